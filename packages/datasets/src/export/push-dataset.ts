import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, DatasetError } from "@whetstone/core";
import { datasetFiles } from "../dataset-target.js";

export interface PushOptions {
  /** A token that may write. Default `$HF_TOKEN`. It is sent to the Hub, and stands nowhere else. */
  readonly token?: string | undefined;
  /** Lets anyone read the dataset. Without it a new repository is private, and one that is public is refused. */
  readonly isPublic?: boolean | undefined;
  /** Default `main`. */
  readonly branch?: string | undefined;
  /** The title of the commit. */
  readonly title?: string | undefined;
  /** Default `$HF_ENDPOINT`, then https://huggingface.co. */
  readonly hubUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PushedDataset {
  readonly repository: string;
  /** Where people look at it. */
  readonly url: string;
  /** The commit's hash. */
  readonly commit: string;
  readonly isPrivate: boolean;
  readonly files: readonly string[];
}

/**
 * Uploads a dataset folder, or a Parquet export, to a dataset repository of the Hugging Face Hub, in one commit. The
 * repository is made where there is none. Needs the package @huggingface/hub.
 * @throws ConfigError for a folder that is none of ours, a wrong name, a missing token or package
 * @throws DatasetError DATASET_PUSH_FAILED when the Hub refuses or does not answer
 */
export async function pushDataset(
  folder: string,
  repository: string,
  { token = process.env.HF_TOKEN, isPublic = false, branch = "main", title, hubUrl, signal }: PushOptions = {},
): Promise<PushedDataset> {
  const path = resolve(folder);
  if (!REPOSITORY.test(repository)) {
    throw new ConfigError(`"${repository}" names no repository: give its owner and its name, such as acme/support-sft`);
  }
  if (!existsSync(path)) throw new ConfigError(`there is no folder ${path}: name a folder that a build wrote`);
  const files = await datasetFiles(path);
  if (!files.includes("README.md")) {
    throw new ConfigError(
      `${path} is no dataset folder with a card: build one with --out ${basename(path)}, or export it to Parquet`,
    );
  }
  if (!token) throw new ConfigError("no token for the Hugging Face Hub: set HF_TOKEN, or pass one that may write");
  const endpoint = (hubUrl ?? process.env.HF_ENDPOINT ?? "https://huggingface.co").replace(/\/+$/, "");
  const { createRepo, commit } = await library();
  const repo = { type: "dataset", name: repository } as const;
  const common = { repo, accessToken: token, hubUrl: endpoint };

  return telling(repository, token, async () => {
    const existing = await repositoryOf(endpoint, repository, token, signal);
    if (existing && !existing.isPrivate && !isPublic) {
      throw new ConfigError(
        `${repository} is public, and the rows are what people said to your agent: name another repository, or allow it with isPublic (--public)`,
      );
    }
    if (!existing) await createRepo({ ...common, visibility: isPublic ? "public" : "private" });
    signal?.throwIfAborted();
    // Given as URLs, files are read as they are sent.
    const operations = files.map((name) => ({
      operation: "addOrUpdate" as const,
      path: name,
      content: pathToFileURL(join(path, name)),
    }));
    const pushed = await commit({
      ...common,
      branch,
      title: title ?? `Upload ${basename(path)}`,
      operations,
      ...(signal && { abortSignal: signal }),
    });
    return {
      repository,
      url: `${endpoint}/datasets/${repository}`,
      commit: pushed?.commit.oid ?? "",
      isPrivate: existing ? existing.isPrivate : !isPublic,
      files,
    };
  });
}

const REPOSITORY = /^[\w-][\w.-]{0,95}\/[\w-][\w.-]{0,95}$/;

/** Whether a repository is there, and who may read it. */
async function repositoryOf(
  endpoint: string,
  repository: string,
  token: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly isPrivate: boolean } | null> {
  const response = await fetch(`${endpoint}/api/datasets/${repository}`, {
    headers: { authorization: `Bearer ${token}` },
    ...(signal && { signal }),
  });
  // The Hub says 401 or 404 of a repository that one may not know of; making it tells which.
  if (response.status === 404 || response.status === 401) return null;
  if (!response.ok) throw new Error(`it answered ${response.status} to a question for the repository`);
  const { private: isPrivate } = (await response.json()) as { private?: unknown };
  return { isPrivate: isPrivate === true };
}

async function telling<T>(repository: string, token: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (ConfigError.isInstance(cause)) throw cause;
    const { statusCode } = cause as { statusCode?: unknown };
    const reason = (cause instanceof Error ? cause.message : String(cause)).replaceAll(token, "***");
    const remedy =
      statusCode === 401 || statusCode === 403
        ? "check that the token may write there"
        : "nothing is committed, push again";
    // The client's own error is no cause: it may hold the request with the token.
    throw new DatasetError("DATASET_PUSH_FAILED", `pushing to ${repository} failed (${reason}): ${remedy}`);
  }
}

async function library() {
  try {
    return await import("@huggingface/hub");
  } catch (cause) {
    throw new ConfigError("pushing needs the package @huggingface/hub: npm install @huggingface/hub", { cause });
  }
}
