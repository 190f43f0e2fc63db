"""dbt as a source of assets and as what builds them."""
