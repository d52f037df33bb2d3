"""What people see in Discord: one extension per group of commands."""
