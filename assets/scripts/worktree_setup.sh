#!/bin/sh
# Runs once in every new worktree, before the agent starts. When it fails, so does the task, and you are told.
#
# ORCHESTRA_WORKTREE_PATH   the new worktree, also the current directory
# ORCHESTRA_PROJECT_ROOT    your own checkout
# ORCHESTRA_TASK_ID, ORCHESTRA_TASK_SLUG, ORCHESTRA_TASK_TITLE, ORCHESTRA_BRANCH, ORCHESTRA_BASE_BRANCH
# ORCHESTRA_PORT_BASE       the first of ten ports that no other worktree was given
#
# cp "$ORCHESTRA_PROJECT_ROOT/.env" .env
# npm ci
