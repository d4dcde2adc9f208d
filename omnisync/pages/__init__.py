"""The screens of staff and ops: server-rendered, with a little plain JavaScript for what must be live."""
