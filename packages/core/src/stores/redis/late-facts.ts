import { type Annotation, annotationKey, annotationSchema, scoresOf, sourceRank } from "../../annotation.js";
import { annotationFlags } from "../../index-batch.js";
import type { Bucket } from "./buckets.js";
import { hourField } from "./hour-stats.js";
import type { RedisCommand } from "./redis-like.js";

/** An annotation and the time of its record, which says where it goes. */
export interface LateFact {
  readonly annotation: Annotation;
  readonly timestamp: number;
}

/**
 * One command that adds annotations to records of one bucket, and with them moves each record to its new place in the
 * quality index: a script, because what a record's effective score becomes depends on what others said meanwhile.
 * Answers 1 for each that was stored, 0 where the record is not known.
 */
export function annotateCommand(bucket: Bucket, facts: readonly LateFact[]): RedisCommand {
  const keys = [bucket.records, bucket.qualities, bucket.annotations, bucket.demonstrations, bucket.counts];
  return ["eval", SCRIPT, keys.length, ...keys, ...facts.flatMap(scriptArguments)];
}

/** What was said of a record, from its field of the annotations hash. */
export function parseAnnotations(field: string): Annotation[] {
  return field.split("\n").flatMap((line) => {
    try {
      return [annotationSchema.parse(JSON.parse(line.slice(line.indexOf("{"))))];
    } catch {
      return []; // not ours
    }
  });
}

const ARGUMENTS = 6;

/**
 * A field holds one line for each source and kind: `slot rank overall at json`. The script reads only the words in
 * front; decoding JSON in Lua would round numbers.
 */
function scriptArguments({ annotation, timestamp }: LateFact): (string | number)[] {
  const { interactionId, source, at } = annotation;
  const slot = encodeURIComponent(annotationKey(annotation).toWellFormed());
  const overall = scoresOf(annotation)?.overall ?? "-";
  const line = `${slot} ${sourceRank(source)} ${overall} ${at} ${JSON.stringify(annotation)}`;
  return [interactionId, slot, at, line, annotationFlags([annotation]), hourField(timestamp)];
}

// The rules are those of `effectiveScore`: the higher rank, then the newer, then the later line. The record's own score,
// of rank 1, is looked up only where nothing of a higher rank was said.
const SCRIPT = `
local records, qualities, annotations, demonstrations, counts = unpack(KEYS)
local statuses = {}
for i = 1, #ARGV, ${ARGUMENTS} do
  local id, slot, at, new, demonstration, hour = unpack(ARGV, i, i + ${ARGUMENTS - 1})
  if redis.call('zscore', qualities, id) then
    local lines, known = {}, false
    for line in string.gmatch(redis.call('hget', annotations, id) or '', '[^\\n]+') do
      local its_slot, its_at = string.match(line, '^(%S+) %S+ %S+ (%S+) ')
      if its_slot == slot then
        known = true
        if tonumber(its_at) <= tonumber(at) then line = new end
      end
      lines[#lines + 1] = line
    end
    if not known then lines[#lines + 1] = new end
    local best, best_rank, best_at = nil, -2, 0
    for _, line in ipairs(lines) do
      local rank, overall, its_at = string.match(line, '^%S+ (%S+) (%S+) (%S+) ')
      rank, its_at = tonumber(rank), tonumber(its_at)
      if overall ~= '-' and (rank > best_rank or (rank == best_rank and its_at >= best_at)) then
        best, best_rank, best_at = overall, rank, its_at
      end
    end
    if best and best_rank < 1 then
      local readable, record = pcall(cjson.decode, redis.call('hget', records, id) or '{}')
      local logged = readable and record.qualityScores and record.qualityScores.overall
      if logged then best = string.format('%.17g', logged) end
    end
    redis.call('hset', annotations, id, table.concat(lines, '\\n'))
    if best then redis.call('zadd', qualities, best, id) end
    if demonstration ~= '0' then redis.call('sadd', demonstrations, id) end
    redis.call('hincrby', counts, hour, 1)
    statuses[#statuses + 1] = 1
  else
    statuses[#statuses + 1] = 0
  end
end
return statuses`;
