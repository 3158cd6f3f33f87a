// What `/v1/operator` returns: the models of the server's OpenAPI document, under the names that they have here.
import type { components } from "../client/openapi.ts";

type Schemas = components["schemas"];

export type Attempt = Schemas["AttemptView"];
export type BulkAction = Schemas["OperatorAction"];
export type BulkActionList = Schemas["OperatorActionList"];
export type Dependency = Schemas["DependencyHealth"];
export type Durations = Schemas["DurationView"];
export type FilterBody = Schemas["FilterBody"];
export type JobCount = Schemas["JobCount"];
export type Minute = Schemas["MinuteView"];
export type Notice = Schemas["NoticeItem"];
export type NoticePage = Schemas["NoticePage"];
export type OperatorJob = Schemas["OperatorJob"];
export type OperatorJobPage = Schemas["OperatorJobPage"];
export type Overview = Schemas["Overview"];
export type Queue = Schemas["QueueView"];
export type QueueList = Schemas["QueueList"];
export type RunningJob = Schemas["RunningJob"];
export type Throttled = Schemas["ThrottledView"];
export type Timeline = Schemas["JobTimeline"];
export type Verb = Schemas["BulkCommand"];
export type Worker = Schemas["WorkerView"];
export type WorkerList = Schemas["WorkerList"];
