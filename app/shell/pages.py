"""The pages of the app: the order and the sections of the navigation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page: its folder in views/ (also its path in the URL), title, icon and section."""

    name: str
    title: str
    icon: str
    section: str

    @property
    def script(self) -> str:
        """The script that Streamlit runs, relative to main.py."""
        return f"views/{self.name}/page.py"


PAGES = (
    Page("start", "Start", ":material/flag:", "Learn"),
    Page("temperature", "Temperature", ":material/thermostat:", "Learn"),
    Page("masked_word", "Masked word", ":material/password:", "Learn"),
    Page("losses", "Losses", ":material/tune:", "Learn"),
    Page("scale", "Scale", ":material/trending_up:", "Learn"),
    Page("compare", "Compare", ":material/compare_arrows:", "Analyze"),
    Page("ranking", "Ranking", ":material/format_list_numbered:", "Analyze"),
    Page("retrieval", "Retrieval", ":material/search:", "Analyze"),
    Page("map", "Map", ":material/scatter_plot:", "Analyze"),
    Page("distill", "Distill", ":material/science:", "Train"),
    Page("recipe", "Recipe", ":material/conversion_path:", "Train"),
    Page("runs", "Runs", ":material/list_alt:", "Train"),
    Page("data", "Data", ":material/database:", "Data"),
)
SECTIONS = tuple(dict.fromkeys(page.section for page in PAGES))
# titles of pages that choose what they show
WITHOUT_PICKERS = ("Masked word", "Scale", "Distill", "Recipe")
# titles of pages whose own numbers are saved; others save the metrics over all labelled pairs
OWN_NUMBERS = ("Retrieval",)
