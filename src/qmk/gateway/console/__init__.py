"""The web console: pages for people, made on the server from the operations of the service."""
