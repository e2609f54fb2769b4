"""The messages of the Centrifugal client protocol, and the two forms they are spelled in.

`commands`, `results` and `replies` are the only declaration of a message. A connection speaks one
`Form`: `json_form` or `protobuf_form`. What messages mean stands in `session.py`.
"""
