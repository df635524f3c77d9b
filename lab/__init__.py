"""The lab: a compose stack that can be broken in known ways, and the command that drives it."""
