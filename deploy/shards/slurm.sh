#!/usr/bin/env bash
# Asks for suites in as many parts as the array has tasks, each into a store of its own; slurm-check.sh brings them together.
#   job=$(sbatch --parsable slurm.sh suites/classify_ticket.yaml acme-bf16 budget-fp8)
#   sbatch --dependency=afterok:"$job" slurm-check.sh suites/classify_ticket.yaml
# A task that was requeued goes on where it stopped, so keep STORES on a disk that stays; one task writes each file.
#SBATCH --job-name=evalgate-ask
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --signal=TERM@90
#SBATCH --output=evalgate-%A_%a.log
#SBATCH --open-mode=append
set -euo pipefail

if (($# < 2)); then
  echo "usage: slurm.sh SUITE VARIANT…" >&2
  exit 2
fi
suite=$1
shift
part=$((SLURM_ARRAY_TASK_ID - ${SLURM_ARRAY_TASK_MIN:-0} + 1))
stores=${STORES:-.evalgate/shards}
mkdir -p "$stores"
launch=()
if command -v srun >/dev/null; then launch=(srun --ntasks=1); fi # so that SIGTERM reaches it before time is over
for variant in "$@"; do
  "${launch[@]}" evalgate run "$suite" --variant "$variant" --quiet \
    --shard "$part/$SLURM_ARRAY_TASK_COUNT" --store "$stores/$part.db"
done
