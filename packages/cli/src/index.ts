export * from "@whetstone/agent-wrappers";
export type { DropReason } from "@whetstone/core";
export * from "@whetstone/core";
export type { DropReason as DatasetDropReason } from "@whetstone/datasets";
export * from "@whetstone/datasets";
export * from "@whetstone/server";
export * from "@whetstone/trainers";
