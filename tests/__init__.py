"""unit: Python alone. integration: a real apiserver. e2e: real nodes as well."""
