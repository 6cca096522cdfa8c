"""OpenAPI 3.1 from the descriptors: exactly what the edge serves."""
