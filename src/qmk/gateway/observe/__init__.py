"""How the gateway shows what goes on: metrics, traces, canary jobs, and a page of them."""
