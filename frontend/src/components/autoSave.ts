/** Which jobs the browser saves by itself once they are ready. */
export interface AutoSave {
  has(jobId: string): boolean;
  set(jobId: string, on: boolean): void;
}
