"""The shipped engines, one folder each. Found by name; nothing imports them (see ``sdk.discovery``)."""
