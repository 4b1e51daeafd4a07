"""Accounts: organisations, which are tenants of the daemon, their users, tokens, browser sessions, budgets and
webhooks. The daemon knows tenants and tokens; who they are for stands here, in the gateway's own file."""
