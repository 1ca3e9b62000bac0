"""Sure or unsure: the entropy of every soft label of both models, live with the rail."""

from app.kit.browser_part import part

mount = part(__name__)
