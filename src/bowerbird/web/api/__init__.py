"""The API: everything that the pages show, as JSON under /api/v1, with its OpenAPI document."""
