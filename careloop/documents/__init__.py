"""Documents that are made from the code: event catalogue, state machines, OpenAPI. Never edited by hand."""
