"""The asset model: keys, definitions, graph, selection, versions and plan. Pure Python; knows no engine."""
