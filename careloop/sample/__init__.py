"""The demo: real orders, real incidents and real complaints, replayed through the suite's HTTP API."""
