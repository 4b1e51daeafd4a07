"""The operations of the service as GraphQL."""
