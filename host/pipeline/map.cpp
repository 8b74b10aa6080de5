// map: a ranking as a picture: phase fields by probability and accessibility, the best of them named.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

#include "host/chemistry/ascii.hpp"
#include "host/io/output_file.hpp"
#include "host/io/output_paths.hpp"
#include "host/io/readable.hpp"
#include "host/pipeline/commands.hpp"
#include "phaseselect/chemistry/phase_field.hpp"
#include "phaseselect/data/csv.hpp"
#include "phaseselect/error.hpp"

namespace phaseselect {
namespace {

// A picture of another kind, or of none, is not what anybody asks for who gets SVG.
void check_picture_name(const std::filesystem::path& output) {
  std::string ending = output.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) { return is_upper(c) ? char(c - 'A' + 'a') : c; });
  if (ending == ".svg" || is_stream(output)) return;
  std::filesystem::path proposal = output;
  throw UsageError(fmt::format("map draws SVG and nothing else, which {} does not say: name it {}", output.string(),
                               proposal.replace_extension(".svg").string()));
}

// ---- what is drawn ----

struct Point {
  std::size_t row = 0;  // of the table
  double x = 0, y = 0;  // accessibility and probability, 0 to 1
  bool known = false;
};

struct Axis {
  std::string column;
  std::string title;
};

struct Ranking {
  CsvTable table;
  std::vector<Point> points;
  std::size_t without_values = 0;  // rows that the model could not judge
  Axis x, y;
};

bool has_values(const CsvTable& table, const char* name) {
  const std::optional<std::size_t> column = table.find_column(name);
  return column && std::ranges::any_of(table.rows(),
                                       [&](const CsvRow& row) { return parse_number(row.cells[*column]).has_value(); });
}

// The learned accessibility, or what the paper takes for it; the calibrated probability, or the raw one.
Axis accessibility_axis(const CsvTable& table, bool paper) {
  if (!paper && has_values(table, "accessibility")) return {"accessibility", "accessibility"};
  return {"synthetic_uncertainty", "1 - synthetic uncertainty"};
}

Axis probability_axis(const CsvTable& table, bool paper) {
  if (!paper && has_values(table, "calibrated")) return {"calibrated", "calibrated probability"};
  return {"probability", "probability"};
}

double share(const CsvTable& table, const CsvRow& row, double value, const std::string& column) {
  if (value >= 0 && value <= 1) return value;
  throw Error(fmt::format("{}:{}: {} is {:g}, not between 0 and 1: give a table that screen or predict wrote",
                          table.name(), row.line, column, value));
}

// What is written into the picture are fields and nothing else.
std::string phases_of(const CsvTable& table, std::size_t number) {
  const CsvRow& row = table.rows()[number];
  const std::string_view cell = row.cells[table.column("phases")];
  try {
    return to_string(parse_phase_field(cell));
  } catch (const Error& error) {
    throw Error(fmt::format("{}:{}: '{}' is no phase field: {}", table.name(), row.line, cell, error.what()));
  }
}

Ranking read_ranking(const MapRequest& request) {
  Ranking ranking;
  ranking.table = read_table(request.ranking);
  if (!ranking.table.rejects().empty()) {
    const Reject& first = ranking.table.rejects().front();
    throw Error(fmt::format("{}:{}: {}: give a table that screen or predict wrote", ranking.table.name(), first.line,
                            first.reason));
  }
  const CsvTable& table = ranking.table;
  ranking.x = accessibility_axis(table, request.paper);
  ranking.y = probability_axis(table, request.paper);
  const std::size_t known = table.column("known");
  const std::size_t x = table.column(ranking.x.column);
  const std::size_t y = table.column(ranking.y.column);
  const bool turned = ranking.x.column == "synthetic_uncertainty";
  for (std::size_t i = 0; i < table.rows().size(); ++i) {
    const CsvRow& row = table.rows()[i];
    const auto at_x = parse_number(row.cells[x]), at_y = parse_number(row.cells[y]);
    if (!at_x || !at_y) {
      ++ranking.without_values;
      continue;
    }
    const double accessible = share(table, row, *at_x, ranking.x.column);
    ranking.points.push_back({i, turned ? 1 - accessible : accessible, share(table, row, *at_y, ranking.y.column),
                              !row.cells[known].empty()});
  }
  if (ranking.points.empty()) {
    throw Error(fmt::format("{} has no row with values of {} and {}: there is nothing to draw", table.name(),
                            ranking.x.column, ranking.y.column));
  }
  return ranking;
}

struct NamedPoint {
  std::string phases;
  double x = 0, y = 0;
};

// The unknown fields of the largest product, best first; of equals the first in the table.
std::vector<NamedPoint> best_unknown(const Ranking& ranking, std::size_t count) {
  std::vector<Point> best;
  std::ranges::copy_if(ranking.points, std::back_inserter(best), [](const Point& p) { return !p.known; });
  std::ranges::stable_sort(best, [](const Point& a, const Point& b) { return a.x * a.y > b.x * b.y; });
  best.resize(std::min(count, best.size()));
  std::vector<NamedPoint> named;
  for (const Point& point : best) named.push_back({phases_of(ranking.table, point.row), point.x, point.y});
  return named;
}

// ---- the picture ----

constexpr std::size_t cells = 50;  // in either direction
constexpr double left = 70, top = 40, side = 500;
constexpr double width = 860, height = 610;

double pixel_x(double x) { return left + side * x; }
double pixel_y(double y) { return top + side * (1 - y); }

// Fields in each cell; a value of 1 belongs to the last one.
std::array<std::size_t, cells * cells> count_cells(const std::vector<Point>& points) {
  std::array<std::size_t, cells * cells> counts{};
  const auto cell = [](double value) { return std::min(static_cast<std::size_t>(value * cells), cells - 1); };
  for (const Point& point : points) ++counts[cell(point.y) * cells + cell(point.x)];
  return counts;
}

// From pale to dark blue, 0 to 1; even steps for the eye where colours are hard to tell.
std::string colour(double depth) {
  const auto mix = [depth](int pale, int dark) { return static_cast<int>(std::lround(pale + depth * (dark - pale))); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(0xdd, 0x08), mix(0xe9, 0x27), mix(0xf6, 0x5c));
}

// A cell's depth: the logarithm of its count, from 1 to the largest.
double depth(std::size_t count, std::size_t largest) {
  return largest > 1 ? std::log(static_cast<double>(count)) / std::log(static_cast<double>(largest)) : 1;
}

std::string text_at(double x, double y, std::string_view anchor, const std::string& text, std::string_view more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more, text);
}

std::string draw_cells(const std::array<std::size_t, cells * cells>& counts, std::size_t largest) {
  constexpr double step = side / cells;
  std::string svg;
  for (std::size_t row = 0; row < cells; ++row) {
    for (std::size_t column = 0; column < cells; ++column) {
      const std::size_t count = counts[row * cells + column];
      if (count == 0) continue;
      svg += fmt::format(
          "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" fill=\"{}\"><title>{}</title></rect>\n",
          left + step * static_cast<double>(column), top + side - step * static_cast<double>(row + 1), step, step,
          colour(depth(count, largest)), count == 1 ? "1 field" : fmt::format("{} fields", count));
    }
  }
  return svg;
}

std::string draw_axes(const Ranking& ranking) {
  std::string svg = fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#444\"/>\n",
                                left, top, side, side);
  for (int tick = 0; tick <= 10; tick += 2) {
    const double value = tick / 10.0;
    svg += text_at(pixel_x(value), top + side + 18, "middle", fmt::format("{:.1f}", value));
    svg += text_at(left - 8, pixel_y(value) + 4, "end", fmt::format("{:.1f}", value));
  }
  svg += text_at(left + side / 2, top + side + 44, "middle", ranking.x.title);
  svg += text_at(0, 0, "middle", ranking.y.title,
                 fmt::format(" transform=\"translate({:.1f} {:.1f}) rotate(-90)\"", left - 42, top + side / 2));
  return svg;
}

// Numbered dots in the map, their names beside it.
std::string draw_best(const std::vector<NamedPoint>& best, const Ranking& ranking) {
  constexpr double list = left + side + 30;
  std::string svg;
  if (!best.empty()) svg += text_at(list, top + 12, "start", "best fields that are not known", " font-weight=\"bold\"");
  if (!best.empty())
    svg += text_at(list, top + 30, "start", ranking.y.title + " x " + ranking.x.title, " fill=\"#666\"");
  double line = top + 52;
  for (std::size_t i = 0; i < best.size(); ++i, line += 19) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"7\" fill=\"#e8590c\" stroke=\"white\"/>\n",
                       pixel_x(best[i].x), pixel_y(best[i].y));
    svg += text_at(pixel_x(best[i].x), pixel_y(best[i].y) + 3, "middle", std::to_string(i + 1),
                   " fill=\"white\" font-size=\"9\"");
    svg += text_at(list, line, "start",
                   fmt::format("{}. {}  {:.2f} x {:.2f}", i + 1, best[i].phases, best[i].y, best[i].x));
  }
  return svg;
}

std::string draw_legend(std::size_t largest) {
  constexpr double x = left + side + 30, y = top + side - 40, length = 200;
  constexpr int steps = 20;
  std::string svg = text_at(x, y - 8, "start", "fields in a cell");
  for (int step = 0; step < steps; ++step) {
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\" fill=\"{}\"/>\n",
                       x + length * step / steps, y, length / steps + 0.5, colour((step + 0.5) / steps));
  }
  svg += text_at(x, y + 28, "start", "1");
  svg += text_at(x + length, y + 28, "end", with_separators(largest));
  return svg;
}

std::string draw(const Ranking& ranking, const std::vector<NamedPoint>& best) {
  const auto counts = count_cells(ranking.points);
  const std::size_t largest = *std::ranges::max_element(counts);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n"
      "<rect width=\"{}\" height=\"{}\" fill=\"white\"/>\n",
      width, height, width, height);
  svg += text_at(left, top - 14, "start", fmt::format("{} phase fields", with_separators(ranking.points.size())));
  svg += draw_cells(counts, largest) + draw_axes(ranking) + draw_best(best, ranking) + draw_legend(largest);
  return svg + "</svg>\n";
}

}  // namespace

nlohmann::json draw_map(const MapRequest& request) {
  check_picture_name(request.output);
  check_output_paths({request.output}, {request.ranking});
  const Ranking ranking = read_ranking(request);
  const std::vector<NamedPoint> best = best_unknown(ranking, request.named);
  write_text(request.output, draw(ranking, best));
  nlohmann::json named = nlohmann::json::array();
  for (const NamedPoint& point : best) named.push_back(point.phases);
  return {{"fields", ranking.points.size()},
          {"without_values", ranking.without_values},
          {"x", ranking.x.column},
          {"y", ranking.y.column},
          {"named", named}};
}

}  // namespace phaseselect
