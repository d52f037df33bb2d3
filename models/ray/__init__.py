"""The models on the machines of a Ray cluster: `models.service.Service` for several processes of the bot.

Of these modules only `bridge`, `coordinator`, `replica` and `deploying` import Ray, and a process of the bot imports none of
them: `bridge` runs in a child process, so that nothing that happens to the cluster ends the bot.
"""
