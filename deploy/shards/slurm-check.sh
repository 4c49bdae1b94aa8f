#!/usr/bin/env bash
# After all tasks of slurm.sh: brings their stores together, and judges. What was answered is not asked again.
#SBATCH --job-name=evalgate-check
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=04:00:00
#SBATCH --output=evalgate-check-%j.log
set -euo pipefail

stores=${STORES:-.evalgate/shards}
evalgate merge "$stores"/*.db --store "${STORE:-.evalgate/evalgate.db}"
evalgate check "$@" --store "${STORE:-.evalgate/evalgate.db}" --junit evalgate.xml
