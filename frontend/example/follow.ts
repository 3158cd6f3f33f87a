// Without React: follows a job to its end.
import { Client, ENDED } from "haulage/client";

export function follow(jobId: string, show: (text: string) => void): void {
  const client = new Client();
  const leave = client.follow(jobId);
  const stop = client.subscribe(() => {
    const { connection, jobs } = client.getState();
    const job = jobs.get(jobId);
    show(`${connection}: ${job?.status} ${job?.percent ?? "…"} %`);
    if (job && (job.problem || ENDED.has(job.status))) {
      leave();
      stop();
    }
  });
}
