#!/bin/sh
# Runs in a worktree before it is removed: for what lives outside of it. The environment is that of worktree_setup.sh.
#
# docker compose down --volumes
# dropdb --if-exists "app_$ORCHESTRA_TASK_ID"
