"""The console: server-rendered pages, one folder an area, each with its own templates."""
