"""The pair's numbers grade by grade, live with the rail: z, z/T, p, and where KL comes from."""

from app.kit.browser_part import part

mount = part(__name__)
