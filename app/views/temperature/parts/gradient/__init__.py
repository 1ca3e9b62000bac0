"""Why T²: the size of the soft gradient across T, with and without the factor, in the browser."""

from app.kit.browser_part import part

mount = part(__name__)
