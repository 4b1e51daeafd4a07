"""The shipped engines, one folder each. Found by entry point; nothing imports them (see ``sdk.discovery``)."""
