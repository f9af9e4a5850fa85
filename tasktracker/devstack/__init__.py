"""The embedded stack: PostgreSQL, NATS and Valkey from wheels, and a supervisor for every process.

Nothing here may load Django's settings: it decides the environment that they are read from.
"""
