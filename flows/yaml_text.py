"""Reading YAML. The only importer of yaml.

What lives here: the safe loader in C, where the wheel has it, six times as fast as the one in Python. What does not:
what a document must hold.
"""

from __future__ import annotations

from typing import Any

import yaml

YamlError = yaml.YAMLError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - whatever the document is
    """Parse a document of plain values.

    Raises:
        YamlError: It is no YAML.

    >>> parse_yaml("a: [1, x]")
    {'a': [1, 'x']}
    """
    loader = _LOADER(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
