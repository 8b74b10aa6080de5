// Results as text for people.
#include "host/cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "host/io/readable.hpp"
#include "host/io/unicode.hpp"
#include "host/pipeline/members_file.hpp"

namespace phaseselect {
namespace {

constexpr std::size_t rejects_shown = 10;
constexpr std::size_t folds_shown = 10;  // more do not fit a line
constexpr std::size_t measure_width = 10;

std::string count(const nlohmann::json& value) {
  return with_separators(value.is_array() ? value.size() : value.get<std::uint64_t>());
}

std::string decimal(const nlohmann::json& value, int digits) {
  const bool defined = value.is_number() && std::isfinite(value.get<double>());
  return defined ? fmt::format("{:.{}f}", value.get<double>(), digits) : std::string("undefined");
}

std::string megabytes(const nlohmann::json& bytes) {
  return fmt::format("{} MB", with_separators(static_cast<std::uint64_t>(std::llround(bytes.get<double>() / 1e6))));
}

std::string rejects_text(const nlohmann::json& rejects) {
  std::string text;
  for (std::size_t i = 0; i < std::min(rejects.size(), rejects_shown); ++i) {
    text += fmt::format("  line {}: '{}': {}\n", rejects[i]["line"].get<std::size_t>(),
                        shown(rejects[i]["text"].get<std::string>()), rejects[i]["reason"].get<std::string>());
  }
  if (rejects.size() > rejects_shown) {
    text += fmt::format("  ... and {} more\n", with_separators(rejects.size() - rejects_shown));
  }
  return text;
}

std::string set_aside_text(const nlohmann::json& aside) {
  std::string text =
      fmt::format("Set aside\n  {} fields with elements that are not modelled", count(aside["unmodelled"]));
  std::string_view separator = ": ";
  for (const auto& [element, fields] : aside["unmodelled_elements"].items()) {
    text += fmt::format("{}{} {}", separator, element, fields.get<std::size_t>());
    separator = ", ";
  }
  return text + fmt::format("\n  {} fields with more elements than the model has slots\n", count(aside["too_large"]));
}

// Percent of the held-out known fields that were harder to reconstruct than this one.
nlohmann::json reconstructed(const nlohmann::json& row) {
  const nlohmann::json& percentile = row["uncertainty_percentile"];
  return percentile.is_number() ? nlohmann::json(100.0 - percentile.get<double>()) : nlohmann::json();
}

// The learned accessibility and the calibrated probability are left out of a table whose run has none.
std::string best_table(const nlohmann::json& rows, bool learned, bool calibrated) {
  std::size_t width = 6;
  for (const nlohmann::json& row : rows) width = std::max(width, row["phases"].get_ref<const std::string&>().size());
  std::string text = fmt::format("{:<{}}  {}probability  spread  {}reconstructed  known\n", "phases", width,
                                 calibrated ? "calibrated  " : "", learned ? "accessibility  spread  " : "");
  for (const nlohmann::json& row : rows) {
    const std::string accessibility =
        learned ? fmt::format("{:>13}  {:>6}  ", decimal(row["accessibility"], 4), decimal(row["accessibility_std"], 4))
                : std::string();
    const std::string sure = calibrated ? fmt::format("{:>10}  ", decimal(row["calibrated"], 4)) : std::string();
    text += fmt::format("{:<{}}  {}{:>11}  {:>6}  {}{:>13}  {}\n", row["phases"].get<std::string>(), width, sure,
                        decimal(row["probability"], 4), decimal(row["probability_std"], 4), accessibility,
                        decimal(reconstructed(row), 1), row["known"].get<std::string>());
  }
  return text;
}

// Of one measure: the first `shown` folds, mean, deviation, pooled.
std::string measure_line(const nlohmann::json& metrics, const char* name, std::size_t shown) {
  std::string text = fmt::format("{:<{}}", name, measure_width);
  for (std::size_t fold = 0; fold < shown; ++fold) {
    text += fmt::format("  {:>9}", decimal(metrics["folds"][fold][name], 4));
  }
  text += fmt::format("  {:>9}  {:>9}  {:>9}", decimal(metrics["mean"][name], 4),
                      decimal(metrics["standard_deviation"][name], 4), decimal(metrics["pooled"][name], 4));
  const auto defined = metrics["folds_defined"][name].get<std::size_t>();
  const std::size_t folds = metrics["folds"].size();
  return text + (defined < folds ? fmt::format("  mean of {} of {} folds\n", defined, folds) : "\n");
}

}  // namespace

// Which members a result goes without (--skip-damaged-members); empty where it has all.
std::string damaged_text(const nlohmann::json& result) {
  std::string text;
  for (const auto& [key, what] :
       {std::pair("damaged_members", "members"), std::pair("damaged_accessibility_members", "accessibility members")}) {
    const auto found = result.find(key);
    if (found == result.end()) continue;
    text += fmt::format("without the {} {}, whose weights are damaged\n", what,
                        list_members(found->get<std::vector<std::uint32_t>>()));
  }
  return text;
}

std::string aggregate_text(const nlohmann::json& result) {
  return fmt::format("{} rows, {} phase fields, {} rows rejected\n", count(result["rows"]), count(result["fields"]),
                     count(result["rejects"]));
}

std::string inspect_text(const nlohmann::json& result) {
  const nlohmann::json& environments = result["environments"];
  const nlohmann::json& properties = result["properties"];
  const nlohmann::json& classes = result["classes"];
  const nlohmann::json& model = result["model"];
  const nlohmann::json& estimate = result["estimate"];
  std::string text = fmt::format(
      "Environments: {}\n  {} formulas, {} distinct, {} elements, {} environments, {} ones, {} groups, {} grouped "
      "ones\n  {} rejects\n",
      environments["file"].get<std::string>(), count(environments["formulas"]), count(environments["distinct"]),
      count(environments["elements"]), count(environments["environments"]), count(environments["ones"]),
      count(environments["groups"]), count(environments["grouped_ones"]), count(environments["rejects"]));
  text += rejects_text(environments["rejects"]);
  text += fmt::format("Properties: {} ({})\n  {} rows, {} fields, {} duplicates merged, {} rejects\n",
                      properties["file"].get<std::string>(), properties["property"].get<std::string>(),
                      count(properties["rows"]), count(properties["fields"]), count(properties["duplicates_merged"]),
                      count(properties["rejects"]));
  text += rejects_text(properties["rejects"]);
  text += set_aside_text(result["set_aside"]);
  const double fields = std::max(1.0, classes["fields"].get<double>());
  text += fmt::format("Classes: value {} {:g}\n  {} fields: {} reach it ({:.1f} %), {} do not\n",
                      classes["inclusive"].get<bool>() ? ">=" : ">", classes["threshold"].get<double>(),
                      count(classes["fields"]), count(classes["positives"]),
                      100 * classes["positives"].get<double>() / fields, count(classes["negatives"]));
  text += fmt::format(
      "Model: {} slots, {} parameters and {} of the ranking network per member\nEnsemble: {} members, {} on disk, "
      "about {} of memory{} while training\n",
      count(model["slots"]), count(model["classifier_parameters"]), count(model["ranking_parameters"]),
      count(model["members"]), megabytes(model["file_bytes"]), megabytes(model["training_bytes"]),
      model["gpu_bytes"] == 0 ? "" : fmt::format(" and {} of GPU memory", megabytes(model["gpu_bytes"])));
  const nlohmann::json& accessibility = result["accessibility"];
  if (accessibility["members"] != 0) {
    text += fmt::format("Accessibility: {} members, {} folds, {} known fields, {} fields in the training of a member\n",
                        count(accessibility["members"]), accessibility["folds"].get<int>(),
                        count(accessibility["known"]), count(accessibility["fields_of_member"]));
  }
  text += fmt::format("Estimate: training takes at most about {} on {} (early stopping shortens it)\n",
                      duration_text(estimate["training_seconds"].get<double>()), estimate["device"].get<std::string>());
  return text;
}

namespace {

std::string measures_text(const nlohmann::json& metrics) {
  const std::size_t folds = metrics["folds"].size();
  const std::size_t shown = folds <= folds_shown ? folds : 0;
  std::string text = fmt::format("{} fields, {} folds, {} members each\n", count(metrics["fields"]), folds,
                                 metrics["members"].get<int>());
  for (std::size_t fold = 0; fold < folds; ++fold) {
    const std::string held_out = metrics["folds"][fold]["holds_out"].get<std::string>();
    if (!held_out.empty()) text += fmt::format("fold {}: {}\n", fold, held_out);
  }
  text += fmt::format("{:<{}}", "", measure_width);
  for (std::size_t fold = 0; fold < shown; ++fold) text += fmt::format("  {:>9}", fmt::format("fold {}", fold));
  text += fmt::format("  {:>9}  {:>9}  {:>9}\n", "mean", "deviation", "pooled");
  for (const char* name : {"accuracy", "f1", "roc_auc", "mcc", "log_loss", "brier", "ece"}) {
    text += measure_line(metrics, name, shown);
  }
  const nlohmann::json& calibrated = metrics["calibrated"];
  if (calibrated.is_null()) return text + "not calibrated: that takes more than one fold\n";
  text += fmt::format("calibrated on the other folds; on all: {} x logit {:+.3f}{}\n",
                      decimal(metrics["calibration"]["slope"], 3), metrics["calibration"]["shift"].get<double>(),
                      metrics["calibration"].contains("neighbours") ? " + evidence of neighbours" : "");
  for (const char* name : {"accuracy", "f1", "roc_auc", "mcc", "log_loss", "brier", "ece"}) {
    text += measure_line(calibrated, name, shown);
  }
  return text;
}

std::string verdict_text(const nlohmann::json& verdict) {
  return fmt::format("verdict: {}\n", verdict["sentence"].get<std::string>());
}

}  // namespace

std::string validate_text(const nlohmann::json& metrics) {
  std::string text = measures_text(metrics);
  for (const nlohmann::json& member : metrics.value("diverged_members", nlohmann::json::array())) {
    text += fmt::format("member {} of fold {} diverged and is left out\n", member["member"].get<int>(),
                        member["fold"].get<int>());
  }
  return text + verdict_text(metrics["verdict"]);
}

// Which members were set aside; empty where none was.
std::string diverged_text(const nlohmann::json& trained, const char* what) {
  const auto found = trained.find("diverged_members");
  if (found == trained.end()) return "";
  return fmt::format("{} {} diverged (losses or weights that are not finite) and were set aside: {} are left\n", what,
                     list_members(found->get<std::vector<std::uint32_t>>()), count(trained["members"]));
}

std::string train_text(const nlohmann::json& run, const std::string& directory) {
  std::string text = fmt::format("the run is in {}\n", directory);
  text += diverged_text(run, "members");
  if (run.contains("accessibility")) text += diverged_text(run["accessibility"], "accessibility members");
  const nlohmann::json calibration = run.value("calibration", nlohmann::json());
  if (!calibration.is_object()) return text + "not judged: no validation was given (--calibration)\n";
  const nlohmann::json verdict = calibration.value("verdict", nlohmann::json());
  if (verdict.is_object()) return text + verdict_text(verdict);
  return text + "not judged: the validation is of an older version: validate again for a verdict\n";
}

std::string lists_text(const nlohmann::json& result) {
  const auto rejects = result.find("rejects");
  if (rejects == result.end() || (*rejects == 0 && result["reported_rows"] == 0)) return "";
  return fmt::format("{} reported fields were read, {} rows rejected\n", count(result["reported_rows"]),
                     count(*rejects));
}

std::string screen_text(const nlohmann::json& result) {
  std::string text =
      damaged_text(result) +
      fmt::format(
          "{} candidates of {} elements out of {}; {} of them are known ({} left out); {} members; {}, {} "
          "field-members a "
          "second\n",
          count(result["candidates"]), result["arity"].get<int>(), count(result["elements"]), count(result["known"]),
          count(result["left_out"]), count(result["members"]), duration_text(result["seconds"].get<double>()),
          with_separators(static_cast<std::uint64_t>(result["field_members_per_second"].get<double>()))) +
      lists_text(result);
  const bool learned = result["order"] != "probability" || !result["best"][0]["accessibility"].is_null();
  const std::string calibrated =
      result["calibrated"].get<bool>() && result["order"] != "accessibility" ? "calibrated " : "";
  text += result["order"] == "product" ? fmt::format("best by {}probability times accessibility\n", calibrated)
                                       : fmt::format("best by {}{}\n", calibrated, result["order"].get<std::string>());
  return text + best_table(result["best"], learned, result["calibrated"].get<bool>());
}

std::string map_text(const nlohmann::json& result) {
  std::string text = fmt::format("{} fields by {} and {}\n", count(result["fields"]), result["y"].get<std::string>(),
                                 result["x"].get<std::string>());
  if (result["without_values"] != 0) {
    text += fmt::format("{} rows have no values and are not drawn\n", count(result["without_values"]));
  }
  return text;
}

std::string accessibility_text(const nlohmann::json& result) {
  std::string text =
      damaged_text(result) +
      fmt::format("{} fields of {} elements, {} folds, {} accessibility members; {}\n", count(result["fields"]),
                  result["arity"].get<int>(), result["folds"].get<int>(), count(result["accessibility_members"]),
                  duration_text(result["seconds"].get<double>())) +
      lists_text(result);
  text += fmt::format("{:<54}  {:>9}  {:>9}  {:>13}  {:>14}  {:>9}\n", "area under the ROC curve", "these", "others",
                      "accessibility", "reconstruction", "frequency");
  for (const nlohmann::json& measure : result["measures"]) {
    text += fmt::format("{:<54}  {:>9}  {:>9}  {:>13}  {:>14}  {:>9}\n", measure["what"].get<std::string>(),
                        count(measure["positives"]), count(measure["negatives"]), decimal(measure["accessibility"], 4),
                        decimal(measure["reconstruction_error"], 4), decimal(measure["element_frequency"], 4));
  }
  return text;
}

std::string predict_text(const nlohmann::json& result) {
  return damaged_text(result) +
         fmt::format(
             "{} rows, {} predicted by {} members; {} with elements that are not modelled, {} with too many elements, "
             "{} rejected; {}\n",
             count(result["rows"]), count(result["predicted"]), count(result["members"]), count(result["unmodelled"]),
             count(result["too_large"]), count(result["rejects"]), duration_text(result["seconds"].get<double>()));
}

namespace {

// Known fields that differ by one element, of each kind.
std::string neighbours_text(const nlohmann::json& neighbours) {
  std::string text = "\nknown fields one element away\n";
  for (const auto& [kind, what] : {std::pair("substitutions", "replaced"), std::pair("extensions", "added"),
                                   std::pair("reductions", "left out")}) {
    text += fmt::format("  {:<8}  {} of {} reach the threshold\n", what, count(neighbours[kind]["positives"]),
                        count(neighbours[kind]["fields"]));
  }
  return text;
}

}  // namespace

std::string explain_text(const nlohmann::json& result) {
  const std::string known = result["known"].get<std::string>();
  const std::string accessibility =
      result["accessibility"].is_null()
          ? "not learned by this run"
          : fmt::format("{} +- {}", decimal(result["accessibility"], 4), decimal(result["accessibility_std"], 4));
  std::string text =
      damaged_text(result) +
      fmt::format(
          "{}\nprobability of {} {} {:g}: {} +- {} ({} members{})\naccessibility: {}\nreconstructed better than {} "
          "percent "
          "of the held-out known fields\nknown: {}\n\nattention\n",
          result["phases"].get<std::string>(), result["property"].get<std::string>(),
          result["inclusive"].get<bool>() ? ">=" : ">", result["threshold"].get<double>(),
          decimal(result["probability"], 4), decimal(result["probability_std"], 4), count(result["members"]),
          result["calibrated"].is_null() ? "" : "; calibrated " + decimal(result["calibrated"], 4), accessibility,
          decimal(reconstructed(result), 1), known.empty() ? "no" : known);
  if (result["attention"].is_null()) text += "  none: it has no weight in this model\n";
  for (const nlohmann::json& row : result["attention"]) {
    text += fmt::format("  {:<2}  {} +- {}\n", row["element"].get<std::string>(), decimal(row["attention"], 4),
                        decimal(row["attention_std"], 4));
  }
  text += neighbours_text(result["neighbours"]) + "\nnearest known fields\n";
  for (const nlohmann::json& row : result["nearest"]) {
    text += fmt::format("  {:<24}  similarity {}  value {:g}  label {}\n", row["phases"].get<std::string>(),
                        decimal(row["similarity"], 2), row["value"].get<double>(), row["label"].get<int>());
  }
  return text;
}

}  // namespace phaseselect
