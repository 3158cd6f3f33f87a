// Icons in the colour of the text. They are decorative: a label is always beside them.
const PATHS = {
  check: "M4 10.5l4 4 8-9",
  cross: "M5 5l10 10M15 5L5 15",
  warn: "M10 3l8 14H2zM10 8v4M10 14.6v.1",
  down: "M10 3v10m-4-4l4 4 4-4M4 17h12",
  up: "M10 13V3m-4 4l4-4 4 4M4 17h12",
  pause: "M7 4v12M13 4v12",
  play: "M6 4l10 6-10 6z",
  retry: "M16 10a6 6 0 1 1-2-4.5M16 3v3.5h-3.5",
  copy: "M7 7h9v9H7zM13 7V4H4v9h3",
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12zm4.5-1.5L17 17",
  link: "M8 12l4-4M9 5.5l1-1a4 4 0 0 1 5.5 5.5l-1 1M11 14.5l-1 1A4 4 0 0 1 4.500 10l1-1",
  bell: "M5 14V9a5 5 0 0 1 10 0v5l1.500 1.500h-13zM8.500 17.500h3",
  clock: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l2.500 2",
  file: "M5 3h7l3 3v11H5zM12 3v3h3",
  back: "M12 4l-6 6 6 6",
  minus: "M5 10h10",
  plus: "M10 4v12M4 10h12",
  more: "M3.500 10a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0M9.200 10a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0M14.900 10a.8.8 0 1 0 1.6 0 .8.8 0 1 0-1.6 0",
  user: "M10 10a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3.500 17.500c.5-3.500 3-5 6.500-5s6 1.500 6.500 5",
  folder: "M2.500 5h5l2 2h8v9h-15z",
  image: "M3 4h14v12H3zM3 14l4-4 3 3 3-4 4 4M7.500 7.500v.1",
  film: "M3 4h14v12H3zM8.500 7.500v5l4-2.500z",
  list: "M7 5h10M7 10h10M7 15h10M3.500 5v.1M3.500 10v.1M3.500 15v.1",
  grid: "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
  next: "M8 4l6 6-6 6",
  box: "M3 6.500L10 3l7 3.500v7L10 17l-7-3.500zM3 6.500L10 10l7-3.500M10 10v7",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
