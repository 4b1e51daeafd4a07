"""The journal in SQL: one set of tables and statements, spoken to SQLite or to PostgreSQL."""
