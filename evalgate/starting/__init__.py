"""The first files of a project: who is asked, what is asked, and the job that asks it, made of what somebody has.

`endpoints` reads who is asked from a line; `draft` is what is asked, whichever it was made of (`promptfoo`, `logs`,
`ready_made`, or a few example cases); `texts` writes both as YAML that people go on with; `project` puts all of it into
place, or nothing. What a source says and a suite cannot say stands as a comment where it would have stood: it is never
dropped without a word.
"""
