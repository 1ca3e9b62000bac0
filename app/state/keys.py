"""Names under which a session remembers what is no choice of the visitor and stands in no link.

The choices are in the dataclasses of the pages; widgets have keys of their own (`w_...`).
"""

# What every page needs
STATE = "kd_state"  # the choices themselves
IGNORED = "kd_ignored"  # sentences on parts of the link that could not be restored
LINK_MARKS = "kd_marks"  # hashes that the opened link was made for
OWN_MARKS = "kd_own_marks"  # hashes of what the page shows, for links from here
SIMULATED = "kd_simulated"  # whether the auction's bids are simulated, for its links
STORE_LINK = "kd_keep"  # the function that stores a link too long for an address
PAGE_TITLE = "kd_page"  # the title of the page that is shown
PAGE_PICKERS = "kd_page_pickers"  # whether it is about the chosen data and models
SELECTED = "kd_selection"  # (page, what is selected on it in words)
FINDING = "kd_finding"  # the finding of the page, with which a report opens
REPORTS = "kd_report_wanted"  # how often a report was asked for
SECTIONS = "kd_sections"  # how each part of the page is written in a report
STATE_FILE = "kd_state_opened"  # the saved state that was opened last
ADDRESS = "address"  # the mount of the browser part parts/address, with what it sent
ADDRESS_TURN = "kd_address_turn"  # the last Back or Forward that was answered
ADDRESS_OPENED = "kd_address_opened"  # where it led
LEAD_TO = "kd_lead_to"  # (target, focus, token) that the next page scrolls to
LESSON_DONE = "kd_lesson_done"  # the steps of lessons that were done
LESSON_BEGUN = "kd_lesson_begun"  # (lesson, step, the choices that it opened with)
LESSON_DATA = "kd_lesson_data"  # the data set that was looked at before the lesson

# Masked word
MASKED_OPENED = "kd_masked_opened"  # models that the visitor opened by hand
MASKED_SENT = "kd_masked_told"  # what the browser part was sent last

# Compare
CARDS_SEEN = "kd_cards_seen"  # the board whose cards were drawn with their animation
EDITS = "kd_children"  # edited pairs with their answers
NOTES = "kd_notes"  # beginning of the names of notes that this tab alone holds
# beginning of (turn of a table of pairs, what it shows as selected)
PAIRS_GRID = "kd_pairs_grid"

# Ranking
BIDS_DROPPED = "kd_edits_dropped"  # (bids in the link, how many more found no room in it)

# Data
SCORED_FOR = "kd_scored_for"  # (data set, models) that pages show once scored
IMPORTED = "kd_brought"  # sentences on the predictions imported last
IMPORTED_MODEL = "kd_brought_who"  # the model that the form of predictions names
DATA_TROUBLE = "kd_data_trouble"  # why a data set could not be moved to the trash
DRAFT = "kd_draft"  # beginning of what a form has read so far
DRAFT_ROUND = "kd_round"  # beginning of how often that form was begun anew

# Distill
RUN_BEGUN = "kd_distill_begun"  # a run that was started a moment ago
YAML_TYPED = "kd_yaml_typed"  # YAML that was typed and is not in force
RUN_ENDED = "kd_run_ended"  # whether the browser said that the watched run has ended
RUNS_LIVE = "kd_distill_living"  # runs that were live at the last look
EXPERIMENT_FILLED = "kd_next_filled"  # the suggested experiment that filled the form

# Recipe
RECIPE_OPEN = "kd_recipe_open"  # the run of a box that was pressed
SEED_REFUSED = "kd_seed_refused"  # (the seed in force, what stands in its field and is no seed)

# Runs
EXPORTS_LIVE = "kd_keep_live"  # exports that were made at the last look
MARKS_TROUBLE = "kd_marks_trouble"  # why a mark could not be saved
MEASURING_ASKED = "kd_runs_asked"  # measurements that were requested
MEASURING_LEFT = "kd_runs_left"  # how many were left at the last look
RUNS_GRID = "kd_runs_grid"  # (turn of the table of runs, the runs that it shows as selected)
