// Generated from the server's OpenAPI document by `make types`. Do not edit.

export interface paths {
    "/v1/download/initiate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Request files */
        post: operations["initiate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check files, and the size of the result */
        post: operations["check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Request one file and wait for it */
        post: operations["start"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the current status of a job */
        get: operations["status"];
        put?: never;
        post?: never;
        /** Cancel a job */
        delete: operations["cancel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run an ended job again */
        post: operations["retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the transitions of a job, oldest first */
        get: operations["history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete the result before it expires */
        delete: operations["removeBundle"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/download-url": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a new presigned URL */
        get: operations["downloadUrl"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stable link: redirects to a new presigned URL */
        get: operations["file"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the share links of a job */
        get: operations["shares"];
        put?: never;
        /** Create a share link to the result */
        post: operations["share"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/job/{jobId}/shares/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a share link */
        delete: operations["revokeShare"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/stream/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream the changes of a job as server-sent events */
        get: operations["stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream the changes of several jobs as server-sent events */
        get: operations["streamMany"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your jobs, newest first */
        get: operations["jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/dead": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your dead jobs: out of attempts on possibly temporary errors, latest first */
        get: operations["dead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/dead/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Permanently delete a dead job */
        delete: operations["delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/download/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the files that can be requested */
        get: operations["files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the files that can be requested */
        get: operations["filesAlias"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a file of the catalogue */
        get: operations["readFile"];
        put?: never;
        post?: never;
        /** Remove a file from the catalogue */
        delete: operations["deleteFile"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/{id}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Redirect to a presigned URL of a file, for images and players */
        get: operations["fileContent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/reprocess": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Process files again, as an operator */
        post: operations["reprocess"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create uploads, one for each file */
        post: operations["upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your uploads, newest first */
        get: operations["uploads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/{jobId}/parts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the parts of a file whose URLs were signed */
        get: operations["parts"];
        put?: never;
        /** Sign URLs for parts of a file, and record which were sent */
        post: operations["sendParts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/{jobId}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Complete an upload all of whose parts were sent */
        post: operations["completeUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/form": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Upload a file by a form, which the intake receives */
        post: operations["uploadForm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Upload a file by a form, which the intake receives */
        post: operations["uploadFormAlias"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/job/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the current status of an upload */
        get: operations["uploadStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/upload/status/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the current status of an upload */
        get: operations["uploadStatusAlias"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See who you are */
        get: operations["session"];
        put?: never;
        /** Sign in with a one-time link */
        post: operations["signIn"];
        /** Sign out */
        delete: operations["signOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your open sessions; as an admin, all of them */
        get: operations["sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a session */
        delete: operations["revokeSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List your API keys; as an admin, all of them */
        get: operations["keys"];
        put?: never;
        /** Create an API key, as somebody who has signed in */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API key */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get a ticket for one stream of a page of another origin */
        post: operations["ticket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/access/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List who did what, as an admin */
        get: operations["audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what operators should know of, as support, an operator or an admin, latest first */
        get: operations["notices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notices/{id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Acknowledge a notice, as an operator or admin */
        post: operations["acknowledgeNotice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See dependencies, processes, queues, rates and storage, as support, an operator or an admin */
        get: operations["overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the workers, and what each runs now */
        get: operations["workers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List and search the jobs of all owners, newest first */
        get: operations["operatorJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/jobs/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count the jobs of all owners that meet the same conditions */
        get: operations["countJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/jobs/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one job with its attempts and transitions, and why it waits */
        get: operations["timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream the overview as server-sent events, whenever it has changed */
        get: operations["streamOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the latest 50 bulk actions */
        get: operations["actions"];
        put?: never;
        /** Retry, cancel or delete all jobs that match a filter */
        post: operations["createAction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/actions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See how far a bulk action is */
        get: operations["readAction"];
        put?: never;
        post?: never;
        /** Stop a bulk action; what it has done stays */
        delete: operations["stopAction"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See which queues are paused */
        get: operations["queues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/queues/{kind}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pause a queue: no job of the kind is claimed */
        post: operations["pauseQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/queues/{kind}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resume a paused queue */
        post: operations["resumeQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/workers/{name}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a worker finish or release its jobs and claim no others */
        post: operations["drainWorker"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operator/workers/{name}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a drained worker claim jobs again */
        post: operations["resumeWorker"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List webhooks */
        get: operations["webhooks"];
        put?: never;
        /** Be told when jobs end, by requests to a URL */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a webhook */
        get: operations["webhook"];
        put?: never;
        post?: never;
        /** Delete a webhook */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a webhook a new secret and key pair */
        post: operations["rotateWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send messages again to a webhook that was switched off */
        post: operations["enableWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test message */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what was sent to a webhook, newest first */
        get: operations["deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send messages of a time again */
        post: operations["replayWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/diagnose/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** See what the gateway has received of this request */
        get: operations["diagnoseRequest"];
        put?: never;
        /** See what the gateway has received of this request, which may have any body */
        post: operations["diagnoseRequestWithBody"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/diagnose/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream two events with a silence between them */
        get: operations["diagnoseStream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check all dependencies */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is alive */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process can serve requests */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The page for browsers, links for others */
        get: operations["root"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Accepted
         * @description The job, as it is now: `queued` when it is new, any status when an earlier request had the same idempotency key.
         */
        Accepted: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            status: components["schemas"]["Status"];
            /** Totalfileids */
            totalFileIds: number;
            links: components["schemas"]["Links"];
        };
        /**
         * AttemptView
         * @description An attempt, from its claim to what ended it.
         */
        AttemptView: {
            /** Attempt */
            attempt: number;
            /** Worker */
            worker: string | null;
            /**
             * Startedat
             * Format: date-time
             */
            startedAt: string;
            /** Endedat */
            endedAt: string | null;
            /**
             * Outcome
             * @description The command that ended it, such as `succeed`, `fail` or `lose`; null while it runs.
             */
            outcome: string | null;
            error: components["schemas"]["ErrorView"] | null;
            /** @description The phase that it is in; null once it has ended. */
            phase: components["schemas"]["Phase"] | null;
            /**
             * Bytes
             * @description Bytes that were read; null for earlier attempts.
             */
            bytes: number | null;
            /**
             * Bytespersecond
             * @description Now; of the last attempt if that has ended: on average.
             */
            bytesPerSecond: number | null;
        };
        /**
         * AuditItem
         * @description Who did what, to which job, key, session or user, from where.
         */
        AuditItem: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Actor */
            actor: string;
            /** Proof */
            proof: string;
            /** Action */
            action: string;
            /** Subject */
            subject: string | null;
            /** Address */
            address: string | null;
            /** Requestid */
            requestId: string | null;
        };
        /** AuditPage */
        AuditPage: {
            /** Entries */
            entries: components["schemas"]["AuditItem"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * BulkCommand
         * @description What is done to each of the jobs, by the state machine.
         * @enum {string}
         */
        BulkCommand: "retry" | "cancel" | "delete";
        /**
         * BulkState
         * @description How far a bulk action is.
         * @enum {string}
         */
        BulkState: "waiting" | "running" | "completed" | "cancelled";
        /**
         * Caller
         * @description Who sent the request. Without `user`, nobody: it proves nothing.
         */
        Caller: {
            /**
             * Mode
             * @enum {string}
             */
            mode: "open" | "required";
            /** User */
            user: string | null;
            signIn: components["schemas"]["SignInOptions"];
            /**
             * Role
             * @default null
             */
            role: string | null;
            /** Scopes */
            scopes?: string[];
            /** Groups */
            groups?: string[];
            /**
             * Proof
             * @description What proved it: `session`, `key`, `token`, …
             * @default null
             */
            proof: string | null;
            /**
             * Expiresat
             * @default null
             */
            expiresAt: string | null;
        };
        /**
         * CatalogueFile
         * @description A file of the catalogue. Size in bytes, checksums in lower-case hex.
         */
        CatalogueFile: {
            /** Id */
            id: number;
            /** Name */
            name: string;
            /** Size */
            size: number;
            /** Crc32 */
            crc32: string | null;
            /** Sha256 */
            sha256: string | null;
            /** Contenttype */
            contentType: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** @description What it is to the file that it was made of; `original` for others. */
            role: components["schemas"]["Role"];
            /**
             * Parentid
             * @description The file that it was made of.
             */
            parentId: number | null;
            /**
             * Thumbnailid
             * @description The file that shows it in small: its thumbnail, or its poster.
             */
            thumbnailId: number | null;
            /**
             * Snippet
             * @description In a list with `text`: a part of the file's text with some of the words, as plain text; null if they are not at its start.
             * @default null
             */
            snippet: string | null;
        };
        /**
         * Checksum
         * @description Checksum of the whole result; `value` in lower-case hex.
         */
        Checksum: {
            /**
             * Algorithm
             * @default crc32
             * @constant
             */
            algorithm: "crc32";
            /** Value */
            value: string;
        };
        /**
         * Circuit
         * @enum {string}
         */
        Circuit: "closed" | "open" | "half_open";
        /**
         * Circuits
         * @description State of the circuit breakers: open (calls are suspended), half_open (trying again) or closed.
         */
        Circuits: {
            database: components["schemas"]["Circuit"];
            storage: components["schemas"]["Circuit"];
            redis: components["schemas"]["Circuit"] | null;
        };
        /**
         * CompleteUpload
         * @description Parts that were sent, and were not reported yet.
         */
        CompleteUpload: {
            /**
             * Sent
             * @description Numbers of parts that the store has accepted.
             * @default []
             */
            sent: number[];
        };
        /**
         * Compression
         * @description How a bundle packs its files. A result that is not a bundle is the source object, unchanged.
         * @enum {string}
         */
        Compression: "store" | "deflate";
        /**
         * DeadJob
         * @description A job that ran out of attempts or time on possibly temporary errors. `archiveName`: of a download, if it has one.
         */
        DeadJob: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            kind: components["schemas"]["Kind"];
            /**
             * Title
             * @description What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`.
             */
            title: string;
            /** Archivename */
            archiveName: string | null;
            /** Filestotal */
            filesTotal: number;
            /** Attempt */
            attempt: number;
            /** Maxattempts */
            maxAttempts: number;
            error: components["schemas"]["ErrorView"];
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Finishedat
             * Format: date-time
             */
            finishedAt: string;
            /** Links */
            links: components["schemas"]["Links"] | components["schemas"]["UploadLinks"] | components["schemas"]["ProcessingLinks"];
        };
        /** DeadPage */
        DeadPage: {
            /** Jobs */
            jobs: components["schemas"]["DeadJob"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * DeliveryItem
         * @description A message to one webhook.
         */
        DeliveryItem: {
            /** Id */
            id: number;
            /**
             * Messageid
             * @description The `webhook-id` of its requests: the same at each attempt.
             */
            messageId: string;
            event: components["schemas"]["EventName"];
            /** Jobid */
            jobId: string | null;
            state: components["schemas"]["DeliveryState"];
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Attempts */
            attempts: number;
            /**
             * Nextat
             * @description When it is tried next, at the earliest.
             */
            nextAt: string | null;
            /** Triedat */
            triedAt: string | null;
            /** Deliveredat */
            deliveredAt: string | null;
            /**
             * Responsestatus
             * @description Of the last response; null: there was none.
             */
            responseStatus: number | null;
            /**
             * Detail
             * @description Why there was no response; or the start of its body, for operators and admins only.
             */
            detail: string | null;
        };
        /** DeliveryPage */
        DeliveryPage: {
            /** Deliveries */
            deliveries: components["schemas"]["DeliveryItem"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * DeliveryState
         * @description Where a delivery is.
         * @enum {string}
         */
        DeliveryState: "waiting" | "delivered" | "failed";
        /**
         * DependencyHealth
         * @description One dependency, as the gateway that responds has found it.
         */
        DependencyHealth: {
            name: components["schemas"]["DependencyName"];
            /**
             * Status
             * @enum {string}
             */
            status: "up" | "down";
            /** @description Of its circuit breaker; null if it has none. */
            circuit: components["schemas"]["Circuit"] | null;
            /**
             * Latencyms
             * @description Milliseconds that it took to respond; null while it is down.
             */
            latencyMs: number | null;
            /**
             * Detail
             * @description Why it is down.
             */
            detail: string | null;
        };
        /**
         * DependencyName
         * @description What Haulage depends on.
         * @enum {string}
         */
        DependencyName: "database" | "storage" | "redis" | "scanner";
        /**
         * DerivativeItem
         * @description A file that was made of another one. Size in bytes; `width` and `height` in pixels, of those that have any.
         */
        DerivativeItem: {
            /** Fileid */
            fileId: number;
            role: components["schemas"]["Role"];
            /** Name */
            name: string;
            /** Contenttype */
            contentType: string;
            /** Size */
            size: number;
            /**
             * Page
             * @description The page of a PDF that it shows, from 1.
             */
            page: number | null;
            /** Width */
            width: number | null;
            /** Height */
            height: number | null;
        };
        /** DiagnosticEvent */
        DiagnosticEvent: {
            /**
             * Time
             * Format: date-time
             */
            time: string;
        };
        /**
         * DurationView
         * @description How long the jobs of one kind took that were completed in the last hour, in seconds.
         */
        DurationView: {
            kind: components["schemas"]["Kind"];
            /** @description From when a job was due until a worker started it. */
            waitSeconds: components["schemas"]["Spread"];
            /** @description From then until it was completed, with all its attempts. */
            runSeconds: components["schemas"]["Spread"];
            /** Jobs */
            jobs: number;
        };
        /**
         * ErrorClass
         * @description Why an attempt, or one file of it, failed (seed 003, "Error Handling & Retry Logic").
         * @enum {string}
         */
        ErrorClass: "network" | "timeout" | "storage" | "worker_lost" | "internal" | "validation";
        /**
         * ErrorView
         * @description Why a job or a file failed.
         */
        ErrorView: {
            class: components["schemas"]["ErrorClass"];
            /** Message */
            message: string;
        };
        /**
         * Event
         * @description A change of a job: its whole summary, and every file change in `(since, seq]` and since `seq`.
         */
        Event: {
            type: components["schemas"]["EventType"];
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            /** Since */
            since: number;
            /** Seq */
            seq: number;
            /**
             * Tick
             * @default 0
             */
            tick: number;
            /**
             * Ts
             * Format: date-time
             */
            ts: string;
            status: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            progress: components["schemas"]["ProgressView"];
            /**
             * Files
             * @default []
             */
            files: components["schemas"]["FileView"][];
            /** @default null */
            error: components["schemas"]["ErrorView"] | null;
            /**
             * Degraded
             * @default false
             */
            degraded: boolean;
        };
        /**
         * EventName
         * @description The types of messages.
         * @enum {string}
         */
        EventName: "job.completed" | "job.failed" | "job.cancelled" | "job.expired" | "notice.opened" | "webhook.test";
        /**
         * EventType
         * @enum {string}
         */
        EventType: "snapshot" | "progress" | "retrying" | "completed" | "failed" | "cancelled" | "expired" | "gone";
        /** FieldProblem */
        FieldProblem: {
            /** Field */
            field: string;
            /** Message */
            message: string;
        };
        /**
         * FileCheck
         * @description Whether a file exists. Size in bytes.
         */
        FileCheck: {
            /** File Id */
            file_id: number;
            /** Available */
            available: boolean;
            /** S3Key */
            s3Key: string | null;
            /** Size */
            size: number | null;
        };
        /**
         * FileDetail
         * @description A file of the catalogue, where it comes from, and what was made of it.
         */
        FileDetail: {
            /** Id */
            id: number;
            /** Name */
            name: string;
            /** Size */
            size: number;
            /** Crc32 */
            crc32: string | null;
            /** Sha256 */
            sha256: string | null;
            /** Contenttype */
            contentType: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** @description What it is to the file that it was made of; `original` for others. */
            role: components["schemas"]["Role"];
            /**
             * Parentid
             * @description The file that it was made of.
             */
            parentId: number | null;
            /**
             * Thumbnailid
             * @description The file that shows it in small: its thumbnail, or its poster.
             */
            thumbnailId: number | null;
            /**
             * Snippet
             * @description In a list with `text`: a part of the file's text with some of the words, as plain text; null if they are not at its start.
             * @default null
             */
            snippet: string | null;
            visibility: components["schemas"]["Visibility"];
            /**
             * Jobid
             * @description The upload or processing that it comes from.
             */
            jobId: string | null;
            /** @description The verdict of the virus scan; `none` if it was not scanned. */
            scan: components["schemas"]["ScanState"];
            /** Modifiedat */
            modifiedAt: string | null;
            /** Derivatives */
            derivatives: components["schemas"]["DerivativeItem"][];
            /** @description How much of its text `GET /v1/files?text=` searches; null if it has none. */
            searchable: components["schemas"]["Searchable"] | null;
            /** @description Its latest processing. Null for callers who may not see the jobs of its owner. */
            processing: components["schemas"]["ProcessingSummary"] | null;
        };
        /**
         * FileItem
         * @description A requested file, with an optional name in the archive.
         */
        FileItem: {
            /**
             * File Id
             * @example 10000
             */
            file_id: number;
            /**
             * Name
             * @default null
             */
            name: string | null;
        };
        /** FilePage */
        FilePage: {
            /** Files */
            files: components["schemas"]["CatalogueFile"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * FileSelection
         * @description The requested files: either ids, or a list of ids with names and of URLs. 1 to 1000, each once.
         */
        FileSelection: {
            /**
             * File Ids
             * @default null
             */
            file_ids: number[] | null;
            /**
             * Files
             * @default null
             */
            files: (components["schemas"]["FileItem"] | components["schemas"]["UrlItem"])[] | null;
            /**
             * Archivename
             * @description Name of the bundle. Unsafe characters are replaced, and `.zip` is added.
             * @default null
             */
            archiveName: string | null;
            /**
             * @description What happens when files are missing.
             * @default fail
             */
            onMissing: components["schemas"]["OnMissing"];
            /**
             * @description Compression of the bundle. A single file without `archiveName` is downloaded as is, not zipped.
             * @default store
             */
            compression: components["schemas"]["Compression"];
        };
        /**
         * FileState
         * @description The state of one file of a job.
         * @enum {string}
         */
        FileState: "pending" | "active" | "done" | "omitted" | "failed";
        /**
         * FileView
         * @description One file of a job, as followers see it.
         */
        FileView: {
            /** Index */
            index: number;
            /** Fileid */
            fileId: number;
            /** Name */
            name: string | null;
            status: components["schemas"]["FileState"];
            /** Bytesdone */
            bytesDone: number;
            /** Size */
            size: number | null;
            error: components["schemas"]["ErrorView"] | null;
        };
        /**
         * FilterBody
         * @description Which jobs, of all owners: those that meet all conditions. The default means every job.
         */
        FilterBody: {
            /**
             * Q
             * @description In the id, the title, the error, or the name of a file; or the owner.
             * @default
             */
            q: string;
            /**
             * Status
             * @description Default: any.
             * @default []
             */
            status: components["schemas"]["Status"][];
            /**
             * Kind
             * @description Default: any.
             * @default []
             */
            kind: components["schemas"]["Kind"][];
            /**
             * Owner
             * @description Default: anybody.
             * @default null
             */
            owner: string | null;
            /**
             * Since
             * @description Created at this time or later.
             * @default null
             */
            since: string | null;
            /**
             * Until
             * @description Created before this time.
             * @default null
             */
            until: string | null;
            /**
             * Dead
             * @description Only dead ones: they failed permanently after retryable errors.
             * @default false
             */
            dead: boolean;
        };
        /**
         * FilterView
         * @description Which jobs a bulk action is for, as it was requested.
         */
        FilterView: {
            /** Q */
            q: string;
            /** Status */
            status: components["schemas"]["Status"][];
            /** Kind */
            kind: components["schemas"]["Kind"][];
            /** Owner */
            owner: string | null;
            /** Since */
            since: string | null;
            /** Until */
            until: string | null;
            /** Dead */
            dead: boolean;
        };
        /**
         * GatewayLimits
         * @description Limits of the gateway itself. Sizes in bytes; `keepAlive` in seconds.
         */
        GatewayLimits: {
            /** Headbytes */
            headBytes: number;
            /** Bodybytes */
            bodyBytes: number;
            /** Keepalive */
            keepAlive: number;
        };
        /**
         * Health
         * @description `degraded`: jobs are accepted and stored, but may have to wait.
         */
        Health: {
            /**
             * Status
             * @enum {string}
             */
            status: "healthy" | "degraded" | "unhealthy";
            checks: components["schemas"]["HealthChecks"];
            /** Reasons */
            reasons: {
                [key: string]: string;
            };
            circuits: components["schemas"]["Circuits"];
            load: components["schemas"]["LoadState"] | null;
        };
        /** HealthChecks */
        HealthChecks: {
            /**
             * Database
             * @enum {string}
             */
            database: "ok" | "error";
            /**
             * Storage
             * @enum {string}
             */
            storage: "ok" | "error";
            /**
             * Redis
             * @enum {string}
             */
            redis: "ok" | "error" | "off";
            /**
             * Queue
             * @enum {string}
             */
            queue: "ok" | "error";
            /**
             * Scanner
             * @enum {string}
             */
            scanner: "ok" | "error" | "off";
        };
        /** HistoryPage */
        HistoryPage: {
            /** Transitions */
            transitions: components["schemas"]["Transition"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * JobCount
         * @description How many jobs meet all conditions.
         */
        JobCount: {
            /** Count */
            count: number;
            byStatus: components["schemas"]["StatusCounts"];
        };
        /**
         * JobItem
         * @description A job in a list.
         */
        JobItem: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            status: components["schemas"]["Status"];
            /**
             * Title
             * @description What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`.
             */
            title: string;
            /** Archivename */
            archiveName: string | null;
            /** Percent */
            percent: number | null;
            /** Filestotal */
            filesTotal: number;
            /** Filesomitted */
            filesOmitted: number;
            /** Size */
            size: number | null;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Finishedat */
            finishedAt: string | null;
            /** Bundleexpiresat */
            bundleExpiresAt: string | null;
            links: components["schemas"]["Links"];
        };
        /** JobPage */
        JobPage: {
            /** Jobs */
            jobs: components["schemas"]["JobItem"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * JobStatus
         * @description The current status of a download.
         */
        JobStatus: {
            /** @default snapshot */
            type: components["schemas"]["EventType"];
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            /** Since */
            since: number;
            /** Seq */
            seq: number;
            /**
             * Tick
             * @default 0
             */
            tick: number;
            /**
             * Ts
             * Format: date-time
             */
            ts: string;
            status: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            progress: components["schemas"]["ProgressView"];
            /**
             * Files
             * @default []
             */
            files: components["schemas"]["FileView"][];
            /** @default null */
            error: components["schemas"]["ErrorView"] | null;
            /**
             * Degraded
             * @default false
             */
            degraded: boolean;
            /**
             * Kind
             * @default download
             * @constant
             */
            kind: "download";
            /**
             * Title
             * @description What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`.
             */
            title: string;
            /** Maxattempts */
            maxAttempts: number;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Startedat */
            startedAt: string | null;
            /** Finishedat */
            finishedAt: string | null;
            /** Nextattemptat */
            nextAttemptAt: string | null;
            /** Archivename */
            archiveName: string | null;
            onMissing: components["schemas"]["OnMissing"];
            compression: components["schemas"]["Compression"];
            result: components["schemas"]["ResultView"] | null;
            links: components["schemas"]["Links"];
        };
        /**
         * JobTimeline
         * @description One job, and all that has happened to it.
         */
        JobTimeline: {
            /** Job */
            job: components["schemas"]["JobStatus"] | components["schemas"]["UploadStatus"] | components["schemas"]["ProcessingStatus"];
            /** Owner */
            owner: string;
            queuedBecause: components["schemas"]["QueuedBecause"] | null;
            /**
             * Attempts
             * @description The latest 100, the oldest first.
             */
            attempts: components["schemas"]["AttemptView"][];
            /**
             * Events
             * @description The latest 500, the oldest first.
             */
            events: components["schemas"]["OperatorTransition"][];
            /** Traceid */
            traceId: string | null;
            /** Traceurl */
            traceUrl: string | null;
        };
        /**
         * KeyCreated
         * @description A new API key. `key` is shown once: only its SHA-256 is kept.
         */
        KeyCreated: {
            /** Id */
            id: string;
            /** Owner */
            owner: string;
            /** Name */
            name: string;
            /** Scopes */
            scopes: string[];
            /** Plan */
            plan: string | null;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Expiresat */
            expiresAt: string | null;
            /** Revokedat */
            revokedAt: string | null;
            /** Usedat */
            usedAt: string | null;
            /** Key */
            key: string;
        };
        /**
         * KeyItem
         * @description An API key, without the key itself.
         */
        KeyItem: {
            /** Id */
            id: string;
            /** Owner */
            owner: string;
            /** Name */
            name: string;
            /** Scopes */
            scopes: string[];
            /** Plan */
            plan: string | null;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Expiresat */
            expiresAt: string | null;
            /** Revokedat */
            revokedAt: string | null;
            /** Usedat */
            usedAt: string | null;
        };
        /** KeyList */
        KeyList: {
            /** Keys */
            keys: components["schemas"]["KeyItem"][];
        };
        /**
         * Kind
         * @description What a job does.
         * @enum {string}
         */
        Kind: "download" | "upload" | "image" | "pdf" | "video";
        /**
         * Link
         * @description A presigned URL, valid for GET until `expiresAt`. Size in bytes.
         */
        Link: {
            /** Url */
            url: string;
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
            /**
             * Bundleexpiresat
             * Format: date-time
             */
            bundleExpiresAt: string;
            /** Size */
            size: number;
            checksum: components["schemas"]["Checksum"] | null;
            /** Sha256 */
            sha256: string | null;
            /** Filename */
            filename: string;
            /** Omitted */
            omitted: components["schemas"]["OmittedFile"][];
        };
        /**
         * Links
         * @description Related resources, as path-relative references.
         */
        Links: {
            /** Self */
            self: string;
            /** Retry */
            retry: string;
            /** Cancel */
            cancel: string;
            /** Downloadurl */
            downloadUrl: string;
            /** File */
            file: string;
            /** Bundle */
            bundle: string;
        };
        /** Live */
        Live: {
            /**
             * Status
             * @default ok
             * @constant
             */
            status: "ok";
        };
        /**
         * LoadState
         * @description The load of this process: the highest of its parts, each as a share of what counts as full.
         */
        LoadState: {
            /** Value */
            value: number;
            /** High */
            high: boolean;
            /** Eventloop */
            eventLoop: number;
            /** Queue */
            queue: number;
            /** Databasepool */
            databasePool: number;
        };
        /**
         * MinuteView
         * @description What happened in a minute. `failed` has all that ended without a result but were not cancelled; `uploads` counts
         *     completed uploads, which `completed` has, too.
         */
        MinuteView: {
            /**
             * Minute
             * Format: date-time
             * @description Its beginning.
             */
            minute: string;
            /** Created */
            created: number;
            /** Completed */
            completed: number;
            /** Failed */
            failed: number;
            /** Uploads */
            uploads: number;
        };
        /**
         * NewAction
         * @description A command for all jobs that match now.
         */
        NewAction: {
            /** @description `retry`: queues ended jobs again, behind all others; `cancel`: cancels those that have not ended; `delete`: deletes dead ones. */
            action: components["schemas"]["BulkCommand"];
            filter: components["schemas"]["FilterBody"];
            /**
             * Expected
             * @description How many jobs the operator has seen: if more match, nothing is done.
             */
            expected: number;
        };
        /**
         * NewKey
         * @description An API key to create.
         */
        NewKey: {
            /**
             * Name
             * @description What it is for.
             * @example backup
             */
            name: string;
            /**
             * Scopes
             * @description What it may be used for, at most.
             * @default [
             *       "files:read",
             *       "files:write",
             *       "jobs:read",
             *       "jobs:write",
             *       "results:read"
             *     ]
             */
            scopes: components["schemas"]["Scope"][];
            /**
             * Expiresin
             * @description Seconds until it expires; null: never.
             * @default 31536000
             */
            expiresIn: number | null;
        };
        /**
         * NewShare
         * @description A share link to create.
         */
        NewShare: {
            /**
             * Expiresin
             * @description Seconds until it expires. The result may expire earlier.
             * @default 604800
             */
            expiresIn: number;
            /**
             * Maxuses
             * @description How often it may be used; null: any number. All requests from one address within `LINK_TTL` are one use, so that a download can be resumed.
             * @default null
             */
            maxUses: number | null;
            /**
             * Password
             * @description To be sent with `Authorization: Basic` and any user name.
             * @default null
             */
            password: string | null;
        };
        /**
         * NewUploadItem
         * @description An upload that was created.
         */
        NewUploadItem: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            status: components["schemas"]["Status"];
            upload: components["schemas"]["UploadView"];
            links: components["schemas"]["UploadLinks"];
        };
        /**
         * NewUploads
         * @description The files to upload: 1 to 1000, each of which becomes a job.
         */
        NewUploads: {
            /**
             * @description Who may read the files: `private`: you, `shared`: also the users of `groups`, `public`: every user. Default: `UPLOAD_VISIBILITY`.
             * @default null
             */
            visibility: components["schemas"]["Visibility"] | null;
            /**
             * Groups
             * @description With which groups the files are shared.
             * @default []
             */
            groups: string[];
            /**
             * Recipe
             * @description What is made of the files: `auto`: what is usual for their type, as a thumbnail, `none`: nothing.
             * @default auto
             */
            recipe: ("auto" | "none") | components["schemas"]["RecipeWishes"];
            /**
             * @description What becomes of the processing of a file if something can't be made of it: it completes with the rest (`keep`), or fails (`fail`). The file itself stays in both cases.
             * @default keep
             */
            onProcessingError: components["schemas"]["OnError"];
            /** Files */
            files: components["schemas"]["UploadFile"][];
        };
        /**
         * NewWebhook
         * @description A webhook to create.
         */
        NewWebhook: {
            /**
             * Url
             * @description Where messages are sent to, by `POST`. `http://` is for hosts that are not public only.
             * @example https://hooks.example.com/haulage
             */
            url: string;
            /**
             * Events
             * @description Types of messages to send; null: all that there are.
             * @default null
             */
            events: components["schemas"]["EventName"][] | null;
            /**
             * Description
             * @description What it is for.
             * @default
             */
            description: string;
            /**
             * Operators
             * @description Be told of notices instead of the own jobs. For operators and admins only.
             * @default false
             */
            operators: boolean;
        };
        /**
         * NoticeItem
         * @description Something that operators should know of. What repeats is one notice until it is closed.
         */
        NoticeItem: {
            /** Id */
            id: number;
            kind: components["schemas"]["NoticeKind"];
            /**
             * Message
             * @description What has happened, of the last time.
             */
            message: string;
            /**
             * Jobid
             * @description The last job that it was about, which may be deleted by now.
             */
            jobId: string | null;
            /**
             * Count
             * @description How often it has happened. 1 for what lasts: `no_worker`, `scanner_away`, …
             */
            count: number;
            /**
             * Firstat
             * Format: date-time
             */
            firstAt: string;
            /**
             * Lastat
             * Format: date-time
             */
            lastAt: string;
            /** Acknowledgedat */
            acknowledgedAt: string | null;
            /** Acknowledgedby */
            acknowledgedBy: string | null;
            /**
             * Closedat
             * @description When it was acknowledged or, for what lasts, when it was over.
             */
            closedAt: string | null;
        };
        /**
         * NoticeKind
         * @description What a notice is about.
         * @enum {string}
         */
        NoticeKind: "dead" | "infected" | "unscannable" | "no_worker" | "scanner_away" | "no_sandbox" | "disk" | "queue_paused" | "mail_failed";
        /** NoticePage */
        NoticePage: {
            /** Notices */
            notices: components["schemas"]["NoticeItem"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /** OmittedFile */
        OmittedFile: {
            /** Fileid */
            fileId: number;
            /** Name */
            name: string;
            /** Reason */
            reason: string;
        };
        /**
         * OnError
         * @description What becomes of a processing job if an output cannot be made.
         * @enum {string}
         */
        OnError: "keep" | "fail";
        /**
         * OnMissing
         * @description What happens to a download some of whose files are missing.
         * @enum {string}
         */
        OnMissing: "fail" | "skip";
        /**
         * OneFile
         * @description One file.
         */
        OneFile: {
            /**
             * File Id
             * @example 10000
             */
            file_id: number;
        };
        /**
         * OperatorAction
         * @description A command for all jobs that matched a filter when it was created. Workers do it in the background.
         *
         *     `waiting`: nothing was done yet; `running`; `completed`: all jobs were reached; `cancelled`: it was stopped.
         */
        OperatorAction: {
            /** Actionid */
            actionId: number;
            action: components["schemas"]["BulkCommand"];
            filter: components["schemas"]["FilterView"];
            state: components["schemas"]["BulkState"];
            /**
             * Total
             * @description How many jobs matched, of those that are in a state for the command.
             */
            total: number;
            /**
             * Done
             * @description To how many of them it was applied.
             */
            done: number;
            /**
             * Failed
             * @description How many were left alone, since they had changed meanwhile.
             */
            failed: number;
            /**
             * Reasons
             * @description Why they were: how many `changed`, so that they no longer match, and how many were refused with which `error`, such as `illegal_transition`.
             */
            reasons: {
                [key: string]: number;
            };
            /** Createdby */
            createdBy: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Startsat
             * Format: date-time
             * @description Until then it can be undone without a trace.
             */
            startsAt: string;
            /** Finishedat */
            finishedAt: string | null;
            /** Stoppedby */
            stoppedBy: string | null;
        };
        /** OperatorActionList */
        OperatorActionList: {
            /** Actions */
            actions: components["schemas"]["OperatorAction"][];
        };
        /**
         * OperatorJob
         * @description A job in the list of all owners' jobs.
         */
        OperatorJob: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            kind: components["schemas"]["Kind"];
            /** Owner */
            owner: string;
            /** Title */
            title: string;
            status: components["schemas"]["Status"];
            phase: components["schemas"]["Phase"];
            /** Percent */
            percent: number | null;
            /** Attempt */
            attempt: number;
            /** Maxattempts */
            maxAttempts: number;
            /**
             * Dead
             * @description Whether it failed permanently after retryable errors.
             */
            dead: boolean;
            error: components["schemas"]["ErrorView"] | null;
            /**
             * Worker
             * @description The worker that runs it.
             */
            worker: string | null;
            /** Filestotal */
            filesTotal: number;
            /** Bytestotal */
            bytesTotal: number | null;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Startedat */
            startedAt: string | null;
            /** Finishedat */
            finishedAt: string | null;
        };
        /**
         * OperatorJobPage
         * @description A page with fewer than `limit` jobs, or none, is the last one only if it has no `nextCursor`.
         */
        OperatorJobPage: {
            /** Jobs */
            jobs: components["schemas"]["OperatorJob"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * OperatorTransition
         * @description A transition, with the worker that it concerns.
         */
        OperatorTransition: {
            /** Seq */
            seq: number;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Command */
            command: string;
            from: components["schemas"]["Status"] | null;
            to: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            error: components["schemas"]["ErrorView"] | null;
            /** Worker */
            worker: string | null;
        };
        /**
         * Overview
         * @description The fleet as it is now.
         */
        Overview: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Dependencies */
            dependencies: components["schemas"]["DependencyHealth"][];
            gateways: components["schemas"]["ProcessCount"];
            workers: components["schemas"]["ProcessCount"];
            /** @description The jobs that have not ended, by status, and those that ended in the last 24 hours. */
            jobs: components["schemas"]["StatusCounts"];
            /** Queues */
            queues: components["schemas"]["QueueView"][];
            rates: components["schemas"]["RatesView"];
            /** Durations */
            durations: components["schemas"]["DurationView"][];
            storage: components["schemas"]["StorageView"];
            /**
             * Throttled
             * @description At most 20, the latest first.
             */
            throttled: components["schemas"]["ThrottledView"][];
        };
        /**
         * OverviewMessage
         * @description What followers of the overview get, when it has changed: all of it.
         */
        OverviewMessage: {
            /**
             * Type
             * @default operator
             * @constant
             */
            type: "operator";
            overview: components["schemas"]["Overview"];
        };
        /**
         * PartItem
         * @description A part whose URL was signed. Size in bytes, `crc32` in lower-case hex, as it was given.
         */
        PartItem: {
            /** Number */
            number: number;
            /** Size */
            size: number;
            /** Crc32 */
            crc32: string;
            /** Sent */
            sent: boolean;
        };
        /**
         * PartToSign
         * @description A part that will be sent. `crc32`: the CRC-32 of its bytes, in lower-case hex.
         */
        PartToSign: {
            /** Number */
            number: number;
            /**
             * Crc32
             * @example cbf43926
             */
            crc32: string;
        };
        /**
         * PartsSigned
         * @description URLs that are valid until `expiresAt`, in the order of the request, and what has been sent so far.
         */
        PartsSigned: {
            /** Parts */
            parts: components["schemas"]["SignedPartItem"][];
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
            /** Bytesdone */
            bytesDone: number;
            /** Bytestotal */
            bytesTotal: number;
        };
        /**
         * PauseQueue
         * @description Why a queue is paused.
         */
        PauseQueue: {
            /**
             * Reason
             * @description For others who wonder why jobs wait.
             * @default null
             */
            reason: string | null;
        };
        /**
         * Phase
         * @description The step of a job that a person is shown.
         * @enum {string}
         */
        Phase: "receiving" | "queued" | "resolving" | "fetching" | "packing" | "assembling" | "checking" | "processing" | "ready";
        /**
         * Preflight
         * @description What a job of these files would result in. `totalBytes`: size of the files, `resultBytes`: size of the download.
         */
        Preflight: {
            kind: components["schemas"]["ResultKind"];
            /** Filestotal */
            filesTotal: number;
            /** Filesavailable */
            filesAvailable: number;
            /** Missing */
            missing: number[];
            /** Totalbytes */
            totalBytes: number;
            /**
             * Resultbytes
             * @description Exact size. Null if the job would fail, and for a bundle with `compression: deflate`, whose size is not known before it is built.
             */
            resultBytes: number | null;
            /**
             * Resultbytesatmost
             * @description Upper bound of the size: `resultBytes` if that is known. Null if the job would fail.
             */
            resultBytesAtMost: number | null;
            /** Wouldfail */
            wouldFail: boolean;
            /** Files */
            files: components["schemas"]["PreflightFile"][];
        };
        /** PreflightFile */
        PreflightFile: {
            /** File Id */
            file_id: number;
            /** Name */
            name: string;
            /** Available */
            available: boolean;
            /** Size */
            size: number | null;
            /**
             * Reason
             * @default null
             */
            reason: string | null;
        };
        /**
         * ProblemBody
         * @description RFC 9457. `error` and `message` repeat the code and the detail for clients that read only those.
         */
        ProblemBody: {
            /** Type */
            type: string;
            /** Title */
            title: string;
            /** Status */
            status: number;
            /** Detail */
            detail: string;
            /**
             * Instance
             * @default null
             */
            instance: string | null;
            /** Error */
            error: string;
            /** Message */
            message: string;
            /** Requestid */
            requestId: string;
            /**
             * Errors
             * @default null
             */
            errors: components["schemas"]["FieldProblem"][] | null;
            /**
             * Queueposition
             * @description With `queue_full`: the position that the job would have had.
             * @default null
             */
            queuePosition: number | null;
            /**
             * Missingparts
             * @description With `parts_missing`: the numbers of the first 100 parts that were not sent.
             * @default null
             */
            missingParts: number[] | null;
            /**
             * Count
             * @description With `count_changed`: how many jobs match now.
             * @default null
             */
            count: number | null;
        };
        /**
         * ProcessCount
         * @description Processes of one sort. One that ended cleanly is forgotten; one that vanished is known for an hour.
         */
        ProcessCount: {
            /** Running */
            running: number;
            /** Known */
            known: number;
        };
        /**
         * ProcessingJob
         * @description A job that makes other files of one: its own status tells how far it is.
         */
        ProcessingJob: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            kind: components["schemas"]["Kind"];
        };
        /**
         * ProcessingLinks
         * @description Related resources, as path-relative references. `file` is the file that is processed.
         */
        ProcessingLinks: {
            /** Self */
            self: string;
            /** Retry */
            retry: string;
            /** Cancel */
            cancel: string;
            /** File */
            file: string;
        };
        /**
         * ProcessingStatus
         * @description The current status of a job that makes other files of one. Each of `files` is one that is made.
         *
         *     Until a file is made, its `size` is that of the source, of which `bytesDone` counts a share.
         */
        ProcessingStatus: {
            /** @default snapshot */
            type: components["schemas"]["EventType"];
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            /** Since */
            since: number;
            /** Seq */
            seq: number;
            /**
             * Tick
             * @default 0
             */
            tick: number;
            /**
             * Ts
             * Format: date-time
             */
            ts: string;
            status: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            progress: components["schemas"]["ProgressView"];
            /**
             * Files
             * @default []
             */
            files: components["schemas"]["FileView"][];
            /** @default null */
            error: components["schemas"]["ErrorView"] | null;
            /**
             * Degraded
             * @default false
             */
            degraded: boolean;
            /**
             * Kind
             * @enum {string}
             */
            kind: "image" | "pdf" | "video";
            /**
             * Title
             * @description What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`.
             */
            title: string;
            /** Maxattempts */
            maxAttempts: number;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Startedat */
            startedAt: string | null;
            /** Finishedat */
            finishedAt: string | null;
            /** Nextattemptat */
            nextAttemptAt: string | null;
            processing: components["schemas"]["ProcessingView"];
            links: components["schemas"]["ProcessingLinks"];
        };
        /**
         * ProcessingSummary
         * @description The latest processing of a file. `error`: why it failed, or else why the first of its outputs did.
         */
        ProcessingSummary: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            kind: components["schemas"]["Kind"];
            status: components["schemas"]["Status"];
            error: components["schemas"]["ErrorView"] | null;
        };
        /**
         * ProcessingView
         * @description What is made of a file, and what was found in it: null until then, and where there is no such thing.
         */
        ProcessingView: {
            /**
             * Parentid
             * @description The file that is processed.
             */
            parentId: number;
            /** Name */
            name: string;
            /** Contenttype */
            contentType: string;
            /** Avif */
            avif: boolean;
            /**
             * Pages
             * @description Most pages of which pictures are made.
             */
            pages: number;
            onProcessingError: components["schemas"]["OnError"];
            /**
             * Width
             * @description Pixels.
             */
            width: number | null;
            /** Height */
            height: number | null;
            /**
             * Pagestotal
             * @description Pages of a PDF, frames of an animation.
             */
            pagesTotal: number | null;
            /**
             * Duration
             * @description Seconds of a video.
             */
            duration: number | null;
        };
        /**
         * ProgressView
         * @description How far a job is. Bytes count what was read and verified; `percent` is null while the total is unknown.
         */
        ProgressView: {
            phase: components["schemas"]["Phase"];
            /** Percent */
            percent: number | null;
            /** Bytesdone */
            bytesDone: number;
            /** Bytestotal */
            bytesTotal: number | null;
            /** Filesdone */
            filesDone: number;
            /** Filestotal */
            filesTotal: number;
            /** Filesomitted */
            filesOmitted: number;
            /**
             * Bytespersecond
             * @default null
             */
            bytesPerSecond: number | null;
            /**
             * Etaseconds
             * @default null
             */
            etaSeconds: number | null;
            /**
             * Queueposition
             * @default null
             */
            queuePosition: number | null;
            /**
             * Startsinseconds
             * @default null
             */
            startsInSeconds: number | null;
        };
        /** QueueList */
        QueueList: {
            /** Queues */
            queues: components["schemas"]["QueueState"][];
        };
        /**
         * QueueState
         * @description Whether jobs of a kind are claimed. While `paused`, they are accepted and wait.
         */
        QueueState: {
            kind: components["schemas"]["Kind"];
            /** Paused */
            paused: boolean;
            /** Pausedat */
            pausedAt: string | null;
            /** Pausedby */
            pausedBy: string | null;
            /** Reason */
            reason: string | null;
        };
        /**
         * QueueView
         * @description The jobs of one kind that wait or run. `queued` and `retrying` count no further than 100,000.
         */
        QueueView: {
            kind: components["schemas"]["Kind"];
            /** Queued */
            queued: number;
            /** Retrying */
            retrying: number;
            /**
             * Oldestseconds
             * @description For how long the job that is due for longest has been due.
             */
            oldestSeconds: number | null;
            /**
             * Slots
             * @description Jobs of this kind that the running workers can run at once.
             */
            slots: number;
            /**
             * Busy
             * @description Jobs of this kind that run.
             */
            busy: number;
            /** Paused */
            paused: boolean;
            /** Pausedat */
            pausedAt: string | null;
            /** Pausedby */
            pausedBy: string | null;
        };
        /**
         * QueuedBecause
         * @description Why a job waits.
         */
        QueuedBecause: {
            reason: components["schemas"]["Reason"];
            /**
             * Position
             * @description Its place in the queue, from 1; null for a batch job and a retry.
             */
            position: number | null;
            /** Detail */
            detail: string;
        };
        /** RatesView */
        RatesView: {
            /**
             * Minutes
             * @description The last 60 minutes, the oldest first; the last one is still going on.
             */
            minutes: components["schemas"]["MinuteView"][];
            successRate: components["schemas"]["SuccessRate"];
        };
        /**
         * Ready
         * @description `draining`: the process is shutting down.
         */
        Ready: {
            /**
             * Database
             * @enum {string}
             */
            database: "ok" | "error";
            /** Draining */
            draining: boolean;
        };
        /**
         * Reason
         * @description Why a job waits.
         * @enum {string}
         */
        Reason: "queue_paused" | "no_worker" | "dependency_out" | "retry_at" | "batch" | "owner_limit" | "waiting_for_slot";
        /**
         * RecipeWishes
         * @description What is made of a file, besides what always is.
         */
        RecipeWishes: {
            /**
             * Avif
             * @description Of an image, the web size also as AVIF.
             * @default false
             */
            avif: boolean;
            /**
             * Pages
             * @description Of a PDF, pictures of so many pages at most.
             * @default 5
             */
            pages: number;
        };
        /**
         * Replay
         * @description Which messages are to be sent again.
         */
        Replay: {
            /**
             * Since
             * Format: date-time
             * @description Those that were created at this time or later,
             */
            since: string;
            /**
             * Until
             * Format: date-time
             * @description and before this one.
             */
            until: string;
            /**
             * Onlyfailed
             * @description Those that were given up; or all of them.
             * @default true
             */
            onlyFailed: boolean;
        };
        /** Replayed */
        Replayed: {
            /**
             * Messages
             * @description How many are sent again.
             */
            messages: number;
        };
        /**
         * Reprocess
         * @description Which files of the catalogue are processed again, and how.
         */
        Reprocess: {
            /**
             * Types
             * @description Only files of these types, as `image/png` or `image/*`. Default: all that can be processed.
             * @default []
             */
            types: string[];
            /**
             * Missing
             * @description Only files of which nothing was made yet.
             * @default false
             */
            missing: boolean;
            /**
             * Since
             * @description Only files that were added since this time.
             * @default null
             */
            since: string | null;
            /**
             * After
             * @description `next` of the previous response: continues behind that file.
             * @default 0
             */
            after: number;
            /**
             * Recipe
             * @default auto
             */
            recipe: "auto" | components["schemas"]["RecipeWishes"];
            /** @default keep */
            onProcessingError: components["schemas"]["OnError"];
        };
        /**
         * Reprocessed
         * @description What was created. `next`: where to continue, as `after`; null when no files are left.
         */
        Reprocessed: {
            /** Jobs */
            jobs: number;
            /** Next */
            next: number | null;
        };
        /**
         * ResultKind
         * @enum {string}
         */
        ResultKind: "bundle" | "object";
        /**
         * ResultView
         * @description The result of a completed job. Size in bytes.
         */
        ResultView: {
            kind: components["schemas"]["ResultKind"];
            /** Size */
            size: number;
            checksum: components["schemas"]["Checksum"] | null;
            /** Sha256 */
            sha256: string | null;
            /** Filename */
            filename: string;
            /** Bundleexpiresat */
            bundleExpiresAt: string | null;
            /** Omitted */
            omitted: components["schemas"]["OmittedFile"][];
        };
        /**
         * Role
         * @description What a file is to the upload that it comes from.
         * @enum {string}
         */
        Role: "original" | "thumbnail" | "web" | "page" | "text" | "poster" | "video" | "playlist";
        /** Root */
        Root: {
            /** Name */
            name: string;
            /** Version */
            version: string;
            /** Links */
            links: {
                [key: string]: string;
            };
        };
        /**
         * RunningJob
         * @description A job that a worker runs, as it is now.
         */
        RunningJob: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            kind: components["schemas"]["Kind"];
            /** Owner */
            owner: string;
            /** Title */
            title: string;
            phase: components["schemas"]["Phase"];
            /** Percent */
            percent: number | null;
            /** Bytespersecond */
            bytesPerSecond: number | null;
            /**
             * Startedat
             * Format: date-time
             * @description Start of its first attempt since a person last retried it.
             */
            startedAt: string;
            /** Attempt */
            attempt: number;
        };
        /**
         * ScanState
         * @description The verdict of the virus scan.
         * @enum {string}
         */
        ScanState: "none" | "clean" | "infected" | "unscannable";
        /**
         * Scope
         * @description What a credential may be used for, at most: its owner's role decides on whose jobs.
         * @enum {string}
         */
        Scope: "jobs:read" | "jobs:write" | "results:read" | "files:read" | "files:write" | "access:manage" | "act_as";
        /**
         * Searchable
         * @description How much of the text of a file can be searched.
         * @enum {string}
         */
        Searchable: "whole" | "start";
        /**
         * SeenRequest
         * @description A request as it has reached the gateway: without its body, and without what only proxies should know.
         */
        SeenRequest: {
            /**
             * Time
             * Format: date-time
             * @description The gateway's clock.
             */
            time: string;
            /** Method */
            method: string;
            /** Scheme */
            scheme: string;
            /** Host */
            host: string;
            /** Httpversion */
            httpVersion: string;
            /**
             * Client
             * @description The address that limits and logs see; empty if `TRUSTED_PROXIES` has the peer, which forwards none.
             */
            client: string;
            /**
             * Forwardedfor
             * @description Whether `client` comes from `X-Forwarded-For`; `ignored` unless `TRUSTED_PROXIES` has the peer.
             * @enum {string}
             */
            forwardedFor: "used" | "ignored" | "missing";
            /**
             * Publicurl
             * @description `PUBLIC_URL` of the gateway.
             */
            publicUrl: string | null;
            /**
             * Headbytes
             * @description Size of all headers.
             */
            headBytes: number;
            /** Bodybytes */
            bodyBytes: number;
            /**
             * Headers
             * @description Which of the headers that the API reads have arrived.
             */
            headers: string[];
            /** Requestid */
            requestId: string;
            limits: components["schemas"]["GatewayLimits"];
        };
        /**
         * SendParts
         * @description Parts to sign URLs for, parts that were sent with earlier ones, or both.
         */
        SendParts: {
            /**
             * Sign
             * @default []
             */
            sign: components["schemas"]["PartToSign"][];
            /**
             * Sent
             * @description Numbers of parts that the store has accepted.
             * @default []
             */
            sent: number[];
        };
        /**
         * SessionItem
         * @description An open session.
         */
        SessionItem: {
            /** Id */
            id: string;
            /** Owner */
            owner: string;
            /** How */
            how: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Seenat
             * Format: date-time
             */
            seenAt: string;
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
            /** Useragent */
            userAgent: string | null;
            /** Address */
            address: string | null;
            /**
             * Current
             * @description Whether this request belongs to it.
             */
            current: boolean;
        };
        /** SessionList */
        SessionList: {
            /** Sessions */
            sessions: components["schemas"]["SessionItem"][];
        };
        /**
         * ShareCreated
         * @description A new share link. `url` is shown once: only its SHA-256 is kept.
         */
        ShareCreated: {
            /** Id */
            id: string;
            /** Createdby */
            createdBy: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
            /** Maxuses */
            maxUses: number | null;
            /** Uses */
            uses: number;
            /** Haspassword */
            hasPassword: boolean;
            /** Url */
            url: string;
        };
        /**
         * ShareItem
         * @description A share link, without its secret.
         */
        ShareItem: {
            /** Id */
            id: string;
            /** Createdby */
            createdBy: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
            /** Maxuses */
            maxUses: number | null;
            /** Uses */
            uses: number;
            /** Haspassword */
            hasPassword: boolean;
        };
        /** ShareList */
        ShareList: {
            /** Shares */
            shares: components["schemas"]["ShareItem"][];
        };
        /**
         * SignIn
         * @description What opens a session.
         */
        SignIn: {
            /**
             * Link
             * @description The secret of a one-time link: what comes after `#` in its URL.
             */
            link: string;
        };
        /**
         * SignInOptions
         * @description How users of the page sign in. One-time links (`haulage users signin`) always do.
         */
        SignInOptions: {
            /**
             * Provider
             * @description Name of the OpenID provider at which `/sign-in/oidc` signs in; null without one.
             */
            provider: string | null;
            /**
             * Proxy
             * @description Whether a reverse proxy signs users in, before a request arrives here.
             */
            proxy: boolean;
        };
        /**
         * SignedPartItem
         * @description How to send a part: by a PUT of exactly `size` bytes to `url`, with these headers.
         */
        SignedPartItem: {
            /** Number */
            number: number;
            /** Url */
            url: string;
            /** Headers */
            headers: {
                [key: string]: string;
            };
            /** Size */
            size: number;
        };
        /** SlotsView */
        SlotsView: {
            kind: components["schemas"]["Kind"];
            /**
             * Slots
             * @description Null for a worker of an earlier release.
             */
            slots: number | null;
            /** Busy */
            busy: number;
        };
        /**
         * Spread
         * @description The average; half, and 95 of 100, took no longer. Null if there are none.
         */
        Spread: {
            /** Average */
            average: number | null;
            /** P50 */
            p50: number | null;
            /** P95 */
            p95: number | null;
        };
        /**
         * Started
         * @description The result of a request that waited for one file. Size in bytes.
         */
        Started: {
            /** File Id */
            file_id: number;
            status: components["schemas"]["Status"];
            /** Downloadurl */
            downloadUrl: string | null;
            /** Size */
            size: number | null;
            /** Processingtimems */
            processingTimeMs: number;
            /** Message */
            message: string;
        };
        /**
         * Status
         * @description The state of a job (docs/state-machine.md).
         * @enum {string}
         */
        Status: "receiving" | "queued" | "processing" | "retrying" | "completed" | "failed" | "cancelled" | "expired";
        /**
         * StatusCounts
         * @description Jobs by status.
         */
        StatusCounts: {
            /** Receiving */
            receiving: number;
            /** Queued */
            queued: number;
            /** Processing */
            processing: number;
            /** Retrying */
            retrying: number;
            /** Completed */
            completed: number;
            /** Failed */
            failed: number;
            /** Cancelled */
            cancelled: number;
            /** Expired */
            expired: number;
        };
        /**
         * StorageView
         * @description What the store holds for Haulage. Sizes in bytes. Counted at most once a minute.
         */
        StorageView: {
            /** Files */
            files: number;
            /** Filebytes */
            fileBytes: number;
            /**
             * Bundles
             * @description Those that can be downloaded. One that several jobs share counts once.
             */
            bundles: number;
            /** Bundlebytes */
            bundleBytes: number;
            /**
             * At
             * Format: date-time
             */
            at: string;
        };
        /**
         * SuccessRate
         * @description The share, from 0 to 1, of completed jobs among those that completed or failed; null if none did.
         */
        SuccessRate: {
            /** Hour */
            hour: number | null;
            /** Day */
            day: number | null;
        };
        /**
         * ThrottledView
         * @description An owner whose requests were refused because of a limit of its own, in the last hour.
         */
        ThrottledView: {
            /** Owner */
            owner: string;
            /**
             * Limit
             * @description The `error` that it got, such as `too_many_requests` or `too_many_jobs`.
             */
            limit: string;
            /**
             * Count
             * @description Refused requests since an hour passed without any.
             */
            count: number;
            /**
             * Lastat
             * Format: date-time
             */
            lastAt: string;
        };
        /**
         * Ticket
         * @description A ticket for one stream: the `ticket` of its query.
         */
        Ticket: {
            /** Ticket */
            ticket: string;
            /**
             * Expiresat
             * Format: date-time
             */
            expiresAt: string;
        };
        /**
         * Transition
         * @description A change of a job's status. `from` is null for the first; `error` is why the job failed or is retried.
         */
        Transition: {
            /** Seq */
            seq: number;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Command */
            command: string;
            from: components["schemas"]["Status"] | null;
            to: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            error: components["schemas"]["ErrorView"] | null;
        };
        /**
         * UploadCompleted
         * @description The upload as it is now: `queued` when it was just completed.
         */
        UploadCompleted: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            status: components["schemas"]["Status"];
            links: components["schemas"]["UploadLinks"];
        };
        /**
         * UploadFile
         * @description A file that will be uploaded. Size in bytes.
         */
        UploadFile: {
            /**
             * Name
             * @description Unsafe characters are replaced; folders are kept.
             */
            name: string;
            /** Size */
            size: number;
            /**
             * Contenttype
             * @description What it is, as in `Content-Type`. A file whose content contradicts it is refused.
             * @default null
             */
            contentType: string | null;
            /**
             * Lastmodified
             * @description When its content was last changed; it gets this time when a bundle is unpacked.
             * @default null
             */
            lastModified: string | null;
        };
        /**
         * UploadForm
         * @description A form with one file, whose part comes last. The part may have any name; its file name and type count.
         */
        UploadForm: {
            /**
             * @description Who may read the files: `private`: you, `shared`: also the users of `groups`, `public`: every user. Default: `UPLOAD_VISIBILITY`.
             * @default null
             */
            visibility: components["schemas"]["Visibility"] | null;
            /**
             * Groups
             * @description With which groups the files are shared.
             * @default []
             */
            groups: string[];
            /**
             * Recipe
             * @default auto
             * @enum {string}
             */
            recipe: "auto" | "none";
            /**
             * @description What becomes of the processing of a file if something can't be made of it: it completes with the rest (`keep`), or fails (`fail`). The file itself stays in both cases.
             * @default keep
             */
            onProcessingError: components["schemas"]["OnError"];
            /**
             * Name
             * @description Instead of the part's file name. Unsafe characters are replaced; folders are kept.
             * @default null
             */
            name: string | null;
            /**
             * Lastmodified
             * @description When its content was last changed; it gets this time when a bundle is unpacked.
             * @default null
             */
            lastModified: string | null;
            /** File */
            file: string;
        };
        /**
         * UploadItem
         * @description An upload in a list. `percent`: of what its status says, so of the bytes that were sent while it is receiving.
         */
        UploadItem: {
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            status: components["schemas"]["Status"];
            upload: components["schemas"]["UploadView"];
            links: components["schemas"]["UploadLinks"];
            /** Percent */
            percent: number | null;
            /** @description The latest job that makes others of the file. */
            processing: components["schemas"]["ProcessingSummary"] | null;
            /**
             * Thumbnailid
             * @description The file that shows it in small, if one was made.
             */
            thumbnailId: number | null;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Finishedat */
            finishedAt: string | null;
            /**
             * Finding
             * @description What the virus scanner has found in an infected upload. For operators and admins; null for others.
             */
            finding: string | null;
        };
        /**
         * UploadLinks
         * @description Related resources, as path-relative references. `file` is null until the upload is completed.
         */
        UploadLinks: {
            /** Self */
            self: string;
            /** Parts */
            parts: string;
            /** Complete */
            complete: string;
            /** Retry */
            retry: string;
            /** Cancel */
            cancel: string;
            /** File */
            file: string | null;
        };
        /** UploadPage */
        UploadPage: {
            /** Jobs */
            jobs: components["schemas"]["UploadItem"][];
            /** Nextcursor */
            nextCursor: string | null;
        };
        /**
         * UploadParts
         * @description What is known of the parts of an upload, by number; the others were never signed.
         */
        UploadParts: {
            status: components["schemas"]["Status"];
            /** Partsize */
            partSize: number;
            /** Partstotal */
            partsTotal: number;
            /** Parts */
            parts: components["schemas"]["PartItem"][];
        };
        /**
         * UploadStatus
         * @description The current status of an upload.
         */
        UploadStatus: {
            /** @default snapshot */
            type: components["schemas"]["EventType"];
            /**
             * Jobid
             * Format: uuid
             */
            jobId: string;
            /** Since */
            since: number;
            /** Seq */
            seq: number;
            /**
             * Tick
             * @default 0
             */
            tick: number;
            /**
             * Ts
             * Format: date-time
             */
            ts: string;
            status: components["schemas"]["Status"];
            /** Attempt */
            attempt: number;
            progress: components["schemas"]["ProgressView"];
            /**
             * Files
             * @default []
             */
            files: components["schemas"]["FileView"][];
            /** @default null */
            error: components["schemas"]["ErrorView"] | null;
            /**
             * Degraded
             * @default false
             */
            degraded: boolean;
            /**
             * Kind
             * @default upload
             * @constant
             */
            kind: "upload";
            /**
             * Title
             * @description What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`.
             */
            title: string;
            /** Maxattempts */
            maxAttempts: number;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /** Startedat */
            startedAt: string | null;
            /** Finishedat */
            finishedAt: string | null;
            /** Nextattemptat */
            nextAttemptAt: string | null;
            upload: components["schemas"]["UploadView"];
            /** @description The job that was created with the file, to make others of it; null if there is none. */
            processing: components["schemas"]["ProcessingJob"] | null;
            links: components["schemas"]["UploadLinks"];
        };
        /**
         * UploadView
         * @description What an upload is. Sizes in bytes, checksums in lower-case hex.
         */
        UploadView: {
            /** Name */
            name: string;
            /** Size */
            size: number;
            /**
             * Contenttype
             * @description As the client declared it.
             */
            contentType: string | null;
            /**
             * Detectedtype
             * @description By the first bytes of the file, once it is completed.
             */
            detectedType: string | null;
            /**
             * Lastmodified
             * @description When its content was last changed, as the client said.
             */
            lastModified: string | null;
            /**
             * Partsize
             * @description Size of all parts but the last.
             */
            partSize: number;
            /**
             * Parts
             * @description How many parts the file has, numbered from 1.
             */
            parts: number;
            /**
             * Streamed
             * @description Whether the file is sent to the intake, by tus or a form. Then no URLs are signed for its parts.
             */
            streamed: boolean;
            visibility: components["schemas"]["Visibility"];
            /** Crc32 */
            crc32: string | null;
            /**
             * Sha256
             * @description Null unless a worker had to read the file.
             */
            sha256: string | null;
            /**
             * Fileid
             * @description Its id in the catalogue, once it is completed.
             */
            fileId: number | null;
            /**
             * Expiresat
             * @description While it is receiving: when it is cancelled, unless more parts are sent.
             */
            expiresAt: string | null;
        };
        /**
         * UploadsCreated
         * @description The uploads in the order of the request, as they are now.
         */
        UploadsCreated: {
            /** Jobs */
            jobs: components["schemas"]["NewUploadItem"][];
        };
        /**
         * UrlItem
         * @description A file that is fetched from a URL, with its name in the archive.
         */
        UrlItem: {
            /**
             * Url
             * @description `https://…`, without user name and password; `http://…` only for hosts of `EGRESS_ALLOW`. Its query may have secrets: it is shown to nobody.
             * @example https://files.example/report.pdf
             */
            url: string;
            /** Name */
            name: string;
            /**
             * Sha256
             * @description SHA-256 of the file in hexadecimal digits. A file with another one counts as missing.
             * @default null
             */
            sha256: string | null;
        };
        /**
         * Visibility
         * @description Who may read a file of the catalogue, besides its owner, operators and admins.
         * @enum {string}
         */
        Visibility: "public" | "shared" | "private";
        /**
         * WebhookCreated
         * @description A webhook with what its requests are signed with, in the forms of Standard Webhooks 1.0.
         */
        WebhookCreated: {
            /** Id */
            id: string;
            /** Url */
            url: string;
            /**
             * Events
             * @description The types of messages that it gets.
             */
            events: components["schemas"]["EventName"][];
            /** Description */
            description: string;
            /**
             * Operators
             * @description Whether it is told of notices, and belongs to all operators.
             */
            operators: boolean;
            /** Createdby */
            createdBy: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Disabledat
             * @description When it was switched off; null: it is on.
             */
            disabledAt: string | null;
            /** Disabledreason */
            disabledReason: string | null;
            /**
             * Failures
             * @description How many attempts in a row got no proper response. 0: it works.
             */
            failures: number;
            /**
             * Secret
             * @description `whsec_…`, for signatures `v1` (HMAC-SHA256). It is not shown again.
             */
            secret: string;
            /**
             * Publickey
             * @description `whpk_…`, for signatures `v1a` (Ed25519).
             */
            publicKey: string;
        };
        /**
         * WebhookItem
         * @description A webhook: where messages are sent to.
         */
        WebhookItem: {
            /** Id */
            id: string;
            /** Url */
            url: string;
            /**
             * Events
             * @description The types of messages that it gets.
             */
            events: components["schemas"]["EventName"][];
            /** Description */
            description: string;
            /**
             * Operators
             * @description Whether it is told of notices, and belongs to all operators.
             */
            operators: boolean;
            /** Createdby */
            createdBy: string;
            /**
             * Createdat
             * Format: date-time
             */
            createdAt: string;
            /**
             * Disabledat
             * @description When it was switched off; null: it is on.
             */
            disabledAt: string | null;
            /** Disabledreason */
            disabledReason: string | null;
            /**
             * Failures
             * @description How many attempts in a row got no proper response. 0: it works.
             */
            failures: number;
        };
        /** WebhookList */
        WebhookList: {
            /** Webhooks */
            webhooks: components["schemas"]["WebhookItem"][];
        };
        /** WorkerList */
        WorkerList: {
            /** Workers */
            workers: components["schemas"]["WorkerView"][];
        };
        /**
         * WorkerOrder
         * @description What a worker was told, which it follows within `HEARTBEAT_INTERVAL`.
         */
        WorkerOrder: {
            /** Name */
            name: string;
            /** Draining */
            draining: boolean;
        };
        /**
         * WorkerView
         * @description A worker. One that has no heartbeat for `LEASE_TTL` does not count as running; an hour later it is forgotten.
         */
        WorkerView: {
            /** Name */
            name: string;
            /**
             * Startedat
             * @description Null for a worker of an earlier release.
             */
            startedAt: string | null;
            /**
             * Heartbeatat
             * Format: date-time
             */
            heartbeatAt: string;
            /** Running */
            running: boolean;
            /** Draining */
            draining: boolean;
            /** Kinds */
            kinds: components["schemas"]["SlotsView"][];
            /**
             * Jobs
             * @description At most 50.
             */
            jobs: components["schemas"]["RunningJob"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    initiate: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes the request safe to repeat: the same key and body return the same job, as it is by then (draft 07). */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FileSelection"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unprocessable Entity */
            422: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    check: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OneFile"] | components["schemas"]["FileSelection"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileCheck"] | components["schemas"]["Preflight"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unprocessable Entity */
            422: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Bad Gateway */
            502: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    start: {
        parameters: {
            query?: never;
            header?: {
                /** @description `wait=N`: waits N seconds at most, and no longer than `START_WAIT`, before it returns the job with 202. `respond-async` without `wait` returns it at once. */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OneFile"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Bad Gateway */
            502: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    status: {
        parameters: {
            query?: {
                /** @description Adds the `files` that changed after this `seq`; 0 for all. */
                since?: number;
            };
            header?: {
                /** @description `wait=N`, N up to 60 seconds: waits for something newer than `since` or `If-None-Match`; without these, until the job has ended. */
                Prefer?: string;
                /** @description The `ETag` of the last response: 304 if nothing has changed. */
                "If-None-Match"?: string;
            };
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobStatus"] | components["schemas"]["ProcessingStatus"];
                };
            };
            /** @description Not Modified */
            304: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobStatus"] | components["schemas"]["UploadStatus"] | components["schemas"]["ProcessingStatus"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    history: {
        parameters: {
            query?: {
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    removeBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    downloadUrl: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Link"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    file: {
        parameters: {
            query?: {
                /** @description The secret of a share link. With it, the request needs no other credential. */
                share?: string;
            };
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description See Other */
            303: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    shares: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewShare"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareCreated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    revokeShare: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    stream: {
        parameters: {
            query?: {
                /** @description The client's last `seq`: only later changes are sent. */
                since?: number;
                /** @description A ticket of `POST /v1/access/tickets`, for pages of other origins. It is valid once, for 60 s. */
                ticket?: string;
            };
            header?: {
                /** @description The `id` of the last event received; takes precedence over `since`. */
                "Last-Event-ID"?: string;
            };
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        event?: string;
                        id?: string;
                        data: string;
                    };
                };
            };
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    streamMany: {
        parameters: {
            query: {
                /** @description `id:since,id:since,…`: up to 50 jobs, each with the client's last `seq`. */
                jobs: string;
                /** @description A ticket of `POST /v1/access/tickets`, for pages of other origins. It is valid once, for 60 s. */
                ticket?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        event?: string;
                        id?: string;
                        data: string;
                    };
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    jobs: {
        parameters: {
            query?: {
                /** @description Only jobs in one of these statuses, separated by commas: `receiving`, `queued`, `processing`, `retrying`, `completed`, `failed`, `cancelled`, `expired`. */
                status?: string;
                /** @description Only jobs whose name contains this text, case-insensitively. A search takes several pages if there are many jobs: one with fewer than `limit` items, or with none, is the last one only if it has no `nextCursor`. */
                q?: string;
                /** @description Whose jobs, for support, operators and admins. Default: your own. */
                owner?: string;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    dead: {
        parameters: {
            query?: {
                /** @description Only jobs of one of these kinds, separated by commas: `download`, `upload`, `image`, `pdf`, `video`. */
                kind?: string;
                /** @description Whose jobs, for support, operators and admins. Default: your own. */
                owner?: string;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    files: {
        parameters: {
            query?: {
                /** @description Only files whose name contains this text, case-insensitively. */
                q?: string;
                /** @description Only PDFs in whose text these words are; `"words in quotes"` side by side, `or` between alternatives, `-` before a word that must not be there. It needs the scope `results:read`, too. */
                text?: string;
                /** @description Only files of this role. Default: `original`, or `any` with `parent`. */
                role?: "any" | "original" | "thumbnail" | "web" | "page" | "text" | "poster" | "video" | "playlist";
                /** @description Only files that were made of the file with this id. */
                parent?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilePage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    filesAlias: {
        parameters: {
            query?: {
                /** @description Only files whose name contains this text, case-insensitively. */
                q?: string;
                /** @description Only PDFs in whose text these words are; `"words in quotes"` side by side, `or` between alternatives, `-` before a word that must not be there. It needs the scope `results:read`, too. */
                text?: string;
                /** @description Only files of this role. Default: `original`, or `any` with `parent`. */
                role?: "any" | "original" | "thumbnail" | "web" | "page" | "text" | "poster" | "video" | "playlist";
                /** @description Only files that were made of the file with this id. */
                parent?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FilePage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    readFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FileDetail"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    deleteFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    fileContent: {
        parameters: {
            query?: {
                /** @description With 1, browsers save the file, also where they could show it. */
                download?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Found */
            302: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Gone */
            410: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    reprocess: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Reprocess"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reprocessed"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    upload: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes the request safe to repeat: the same key and body return the same job, as it is by then (draft 07). */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUploads"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadsCreated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unprocessable Entity */
            422: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    uploads: {
        parameters: {
            query?: {
                /** @description Only jobs in one of these statuses, separated by commas: `receiving`, `queued`, `processing`, `retrying`, `completed`, `failed`, `cancelled`, `expired`. */
                status?: string;
                /** @description Whose jobs, for support, operators and admins. Default: your own. */
                owner?: string;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    parts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadParts"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    sendParts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendParts"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PartsSigned"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    completeUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CompleteUpload"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadCompleted"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    uploadForm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["UploadForm"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadsCreated"];
                };
            };
            /** @description Temporary Redirect */
            307: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Implemented */
            501: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    uploadFormAlias: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["UploadForm"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadsCreated"];
                };
            };
            /** @description Temporary Redirect */
            307: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Implemented */
            501: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    uploadStatus: {
        parameters: {
            query?: {
                /** @description Adds the `files` that changed after this `seq`; 0 for all. */
                since?: number;
            };
            header?: {
                /** @description `wait=N`, N up to 60 seconds: waits for something newer than `since` or `If-None-Match`; without these, until the job has ended. */
                Prefer?: string;
                /** @description The `ETag` of the last response: 304 if nothing has changed. */
                "If-None-Match"?: string;
            };
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadStatus"] | components["schemas"]["JobStatus"];
                };
            };
            /** @description Not Modified */
            304: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    uploadStatusAlias: {
        parameters: {
            query?: {
                /** @description Adds the `files` that changed after this `seq`; 0 for all. */
                since?: number;
            };
            header?: {
                /** @description `wait=N`, N up to 60 seconds: waits for something newer than `since` or `If-None-Match`; without these, until the job has ended. */
                Prefer?: string;
                /** @description The `ETag` of the last response: 304 if nothing has changed. */
                "If-None-Match"?: string;
            };
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UploadStatus"] | components["schemas"]["JobStatus"];
                };
            };
            /** @description Not Modified */
            304: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Version of the status, for `If-None-Match`. */
                    ETag: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Caller"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Caller"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    sessions: {
        parameters: {
            query?: {
                /** @description Whose, for admins. Default: everybody's. */
                owner?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    revokeSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    keys: {
        parameters: {
            query?: {
                /** @description Whose, for admins. Default: everybody's. */
                owner?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    ticket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created */
            201: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    audit: {
        parameters: {
            query?: {
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    notices: {
        parameters: {
            query?: {
                /** @description `open`: those that nobody has acknowledged and that are not over; `all`: also the others of the last 90 days. */
                state?: "open" | "all";
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NoticePage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    acknowledgeNotice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NoticeItem"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    workers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    operatorJobs: {
        parameters: {
            query?: {
                /** @description Only jobs with this text, case-insensitively, in their title, their error, or the name of one of their files; whose id it is or begins with, from 8 digits on; or whose owner it is. */
                q?: string;
                /** @description Only these statuses, separated by commas. */
                status?: string;
                /** @description Only these kinds, separated by commas. */
                kind?: string;
                /** @description Only jobs of this owner. */
                owner?: string;
                /** @description Only jobs created at this time or later. */
                since?: string;
                /** @description Only jobs created before this time. */
                until?: string;
                /** @description With `true`, only dead jobs. */
                dead?: boolean;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorJobPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    countJobs: {
        parameters: {
            query?: {
                /** @description Only jobs with this text, case-insensitively, in their title, their error, or the name of one of their files; whose id it is or begins with, from 8 digits on; or whose owner it is. */
                q?: string;
                /** @description Only these statuses, separated by commas. */
                status?: string;
                /** @description Only these kinds, separated by commas. */
                kind?: string;
                /** @description Only jobs of this owner. */
                owner?: string;
                /** @description Only jobs created at this time or later. */
                since?: string;
                /** @description Only jobs created before this time. */
                until?: string;
                /** @description With `true`, only dead jobs. */
                dead?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobCount"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    timeline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobTimeline"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    streamOverview: {
        parameters: {
            query?: {
                /** @description A ticket of `POST /v1/access/tickets`, for pages of other origins. It is valid once, for 60 s. */
                ticket?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        event?: string;
                        id?: string;
                        data: string;
                    };
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    actions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorActionList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    createAction: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAction"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Where to go on: the status of the job, the presigned URL, or the intake. */
                    Location?: string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorAction"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    readAction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorAction"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    stopAction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorAction"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    queues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    pauseQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: "download" | "upload" | "image" | "pdf" | "video";
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PauseQueue"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueState"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    resumeQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                kind: "download" | "upload" | "image" | "pdf" | "video";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueState"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    drainWorker: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerOrder"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    resumeWorker: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkerOrder"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    webhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookCreated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Conflict */
            409: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unprocessable Entity */
            422: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookItem"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    rotateWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookCreated"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    enableWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookItem"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    deliveries: {
        parameters: {
            query?: {
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Maximum number of items. */
                limit?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description The next page, unless this is the last one (RFC 8288). */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryPage"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    replayWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Replay"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replayed"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description What proves who the request comes from (RFC 9110, section 11.6.1). */
                    "WWW-Authenticate": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Forbidden */
            403: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Not Found */
            404: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Request Entity Too Large */
            413: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Unsupported Media Type */
            415: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    /** @description What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more (draft-ietf-httpapi-ratelimit-headers-10). */
                    RateLimit?: string;
                    /** @description The caller's limits: `q` requests or jobs in `w` seconds. */
                    "RateLimit-Policy"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    diagnoseRequest: {
        parameters: {
            query?: {
                /** @description Seconds to wait before the response begins. */
                wait?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeenRequest"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    diagnoseRequestWithBody: {
        parameters: {
            query?: {
                /** @description Seconds to wait before the response begins. */
                wait?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SeenRequest"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    diagnoseStream: {
        parameters: {
            query?: {
                /** @description Seconds between the two events, in which nothing is sent. */
                silence?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        event?: string;
                        id?: string;
                        data: string;
                    };
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    /** @description Seconds after which to ask again. */
                    "Retry-After": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Live"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
    root: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    /** @description Id of the request, its own or a new one. The log has it, too. */
                    "X-Request-ID": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Root"];
                };
            };
            /** @description Any other error */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemBody"];
                };
            };
        };
    };
}
