import type { ShareCreated, Sharing } from "../components/sharing.ts";
import { call } from "./requests.ts";

/** Share links at the page's server. They are absolute: without `PUBLIC_URL` the server returns paths. */
export const sharing: Sharing = {
  list: (jobId) => call("GET", pathOf(jobId)),
  async create(jobId, share) {
    const outcome = await call<ShareCreated>("POST", pathOf(jobId), { body: share });
    if (!outcome.ok) return outcome;
    const { url, ...others } = outcome.value;
    return { ok: true, value: { ...others, url: new URL(url, window.location.origin).href } };
  },
  revoke: (jobId, id) => call("DELETE", `${pathOf(jobId)}/${id}`),
};

function pathOf(jobId: string): string {
  return `v1/download/job/${encodeURIComponent(jobId)}/shares`;
}
