"""Pipelines: the stages of a recipe in a row, each an ordinary run, and the table at their end.

planned = plan("relevance", small=True)
pipeline = create(planned)
start(pipeline)            # in processes of their own; drive(pipeline, here=True) in this one
state(pipeline).stages
results(pipeline).rows
"""

from kdcore.experiments.pipeline.control import change as change
from kdcore.experiments.pipeline.control import ensure as ensure
from kdcore.experiments.pipeline.control import pause as pause
from kdcore.experiments.pipeline.control import start as start
from kdcore.experiments.pipeline.drive import drive as drive
from kdcore.experiments.pipeline.estimates import StageEstimate as StageEstimate
from kdcore.experiments.pipeline.estimates import estimates as estimates
from kdcore.experiments.pipeline.folder import Pipeline as Pipeline
from kdcore.experiments.pipeline.folder import create as create
from kdcore.experiments.pipeline.folder import delete as delete
from kdcore.experiments.pipeline.folder import find as find
from kdcore.experiments.pipeline.folder import pipelines as pipelines
from kdcore.experiments.pipeline.measured import Measured as Measured
from kdcore.experiments.pipeline.measured import read_measured as read_measured
from kdcore.experiments.pipeline.measured import write_measured as write_measured
from kdcore.experiments.pipeline.plan import OWN_SIZES as OWN_SIZES
from kdcore.experiments.pipeline.plan import plan as plan
from kdcore.experiments.pipeline.plan import size_of as size_of
from kdcore.experiments.pipeline.recipes import PARTS as PARTS
from kdcore.experiments.pipeline.recipes import RECIPES as RECIPES
from kdcore.experiments.pipeline.recipes import Recipe as Recipe
from kdcore.experiments.pipeline.results import Gain as Gain
from kdcore.experiments.pipeline.results import Results as Results
from kdcore.experiments.pipeline.results import Row as Row
from kdcore.experiments.pipeline.results import results as results
from kdcore.experiments.pipeline.results import results_csv as results_csv
from kdcore.experiments.pipeline.stages import Plan as Plan
from kdcore.experiments.pipeline.stages import Stage as Stage
from kdcore.experiments.pipeline.stages import Variant as Variant
from kdcore.experiments.pipeline.state import PipelineState as PipelineState
from kdcore.experiments.pipeline.state import StageState as StageState
from kdcore.experiments.pipeline.state import state as state
from kdcore.experiments.pipeline.whole import recipe as recipe
