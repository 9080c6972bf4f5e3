"""What moved between two reports of ``verify``: pure functions from two reports to `smxcheck.changes.model.Changes`."""
