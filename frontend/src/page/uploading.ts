/** What the page tells of uploads outside their view: in the tab, in the navigation, and to screen readers. */
export interface UploadActivity {
  /** How many are not finished, and how far all are: 0 to 100, rounded down. */
  count: number;
  percent: number;
  /** The last announcement; empty if there was none. */
  announcement: string;
}

export const NO_UPLOADS: UploadActivity = { count: 0, percent: 0, announcement: "" };
