"""When an asset is to be made without being asked for."""


class Condition:
    """A condition."""
