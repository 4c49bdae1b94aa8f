"""SHOWS: the board in the terminal, the HTML drift report, its pictures, and routing decisions.

Looks at everything and changes nothing. There is nothing to import from here: the command imports the one module that
it needs, so that rich, Jinja2 and matplotlib are loaded only by whoever prints, writes or draws.
"""
