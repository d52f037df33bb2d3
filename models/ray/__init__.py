"""Models served by a Ray cluster: `models.service.Service` for several bot processes.

Only `bridge`, `coordinator`, `replica`, `routing`, `reach` and `deploying` import Ray, and no bot process imports them:
`bridge` runs in a child process, so that a failure of the cluster cannot end the bot.
"""
