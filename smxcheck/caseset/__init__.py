"""The case set: inputs with permanent ids, and the user's own inputs in the same form. Imports no NumPy."""

from smxcheck.caseset.describe import describe_call as describe_call
from smxcheck.caseset.inputs import load_inputs as load_inputs
from smxcheck.caseset.load import CaseId as CaseId
from smxcheck.caseset.load import all_ids as all_ids
from smxcheck.caseset.load import groups as groups
from smxcheck.caseset.load import load_cases as load_cases
from smxcheck.caseset.load import parse_id as parse_id
from smxcheck.caseset.model import LAYOUTS as LAYOUTS
from smxcheck.caseset.model import Case as Case
from smxcheck.caseset.model import CaseError as CaseError
from smxcheck.caseset.model import Group as Group
