"""What can be tested: the protocol, the shipped table, one adapter per library, and the worker process."""
