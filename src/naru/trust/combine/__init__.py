"""Combines two parties' tables under pseudonyms (가명정보 결합), and measures what the result gives away.

Promises: no file holds both combination keys and attributes, no output holds an identifier, every hand-over
is told of. Naru is the tool of an applicant or of a designated body (결합전문기관); it is not one itself, and
its measures are evidence for a review (반출심사), not the decision. `naru.cli.combine` imports the modules.
"""
