"""The pages of the app in the order of the rail: file, title, icon."""

PAGES = (
    ("start", "Start", ":material/flag:"),
    ("temperature", "Temperature", ":material/thermostat:"),
    ("masked_word", "Masked word", ":material/password:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("ranking", "Ranking", ":material/format_list_numbered:"),
    ("distill", "Distill", ":material/science:"),
    ("runs", "Runs", ":material/list_alt:"),
    ("data", "Data", ":material/database:"),
)
