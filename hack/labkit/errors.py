"""What can go wrong in the lab, as its user is told."""


class LabError(Exception):
    """Something failed; the message is one sentence for the person at the terminal."""


class NodeDown(LabError):
    """The node does not answer: it was not started, is starting, or has died."""
