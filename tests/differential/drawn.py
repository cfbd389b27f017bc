"""Programs drawn by a seed, not by what keynet can read.

random.Random(20261129) drew 110 of the packages whose summary speaks of training, tuning, neural
networks, segmentation or benchmarks, and 80 of those that train models; of each at most three
programs, drawn by the same seed and its name. Those stay whose parser is made without their large
libraries. Left out are packages whose modules have common names (``utils``, ``scripts``) and files
with several console scripts, which are no scripts that a user could pass.

One half of the packages, drawn by the seed too, was held back while keynet's reading was changed.
Two of its programs, anybench and cellmaps_vnn, were looked at once to find out why a change of
keynet had made them worse (a parser made again on another path, one that parses on several paths),
and herosjourney for a converter of which the truth knew too little. Nothing else of it was.
"""

from typing import Final

__all__ = ["ABSENT", "DRAWN", "ENVIRONMENT", "HELD_BACK"]

DRAWN: Final = {
    "argparse": """
        LiveTune.tools.tune:main abench.cli:entrypoint agent_safety_bench.__main__:main
        aidetector.command_interface:main captchakraken.cli:main
        dbmsbenchmarker.scripts.cli:run_benchmarker dbmsbenchmarker.scripts.dashboardcli:startup
        dbmsbenchmarker.scripts.inspect:result fastchat.eval.eval_gpt_review flashdet.cli:main
        labeled_contrastive_framework.module labeled_contrastive_framework.transform
        language_pipes.cli:main miniwob.scripts.dump_observation miniwob.scripts.gen_env_classes
        miniwob.scripts.record modelbrew_cleaner.polarity_eval rlmflow.cli:main
        rlmflow.runtime.repl safety_compass._scripts.extract_directions
        schemalink_engine.cli:main schemalink_engine.utils.cli
        torchvtk.benchmarks.benchmark_cq500_hdf5 torchvtk.benchmarks.benchmark_cq500_torch
        torchvtk.converters.dicom.cq500 visual_graph_datasets.experiments.filter_zinc_for_synth2
        voiceprint.cli:main wana.cli.main:main wmh_seg.cli:main
    """,
    "click": """
        ai4sci_bench.cli:main
    """,
    "typer": """
        benchllama.main:app mist.cli:app oesb_runner.cli:app torchinstaller.main:main
    """,
}
HELD_BACK: Final = {
    "argparse": """
        anybench.cli:main atelier.train autotrainer.cli:main cellmaps_vnn.cellmaps_vnncmd
        composer.cli.launcher:main crossenrich.cli:main
        flagai.data.dataset.indexed_dataset.merge_datasets
        flagai.data.dataset.indexed_dataset.preprocess_data_args
        herosjourney.runner.run_adventure_story:main housing.ingest_data housing.main:run
        housing.score housing.train kaldingram.cli:main kaldingram.ppl kaldingram.prune
        leakcheck.cli:main llm_trees.cli:main mu_alpha_zero.start_jobs opentracy.cli:main
        pgsocr.main:main renest.cli:main roland_ui_demo.cli:main scaf_code.cli:main
    """,
    "click": """
        pepkio_kg_single_cell_long_read_rna_sequencing.cli:main
    """,
    "typer": """
        autoforge.cli.main:app dta_gnn.cli:app midge.cli:main toolproof.cli:app
    """,
}
# Large libraries that they import.
ABSENT: Final = """
    activitysim adan ansinout anthropic apex bitsandbytes bmtrain boto3 botocore bottle
    cacheflow cachetools cairosvg cellmaps_utils chembl_webresource_client clickhouse_connect
    clip colour comet_ml comfy coolname cpuinfo crewai ctranslate2 cursory dash dash_auth
    dash_daq databricks datacollective datasketch daytona deepspeed detoxify dicom_numpy
    diffusers diskcache distributed_state_network dspy e2b farama_notifications faster_whisper
    fiblat flash_attn flask_caching folder_paths fontTools gprofiler gradio gradio_client groq
    h5py habana_frameworks halo hdbscan hypothesis hypothesis_jsonschema imageio inplace_abn
    instrumentation it jaydebeapi jieba jsonpath_ng kernels knowledge_distillation_framework
    langchain_core langdetect laya libcloud lion_pytorch litellm llama_cpp llm_layer_collector
    llvmlite localAttention markdown2 markdownify mcli megatron mistralai mlflow mlperf_logging
    modal multiprocess ndex2 neptune nibabel nnunetv2 oaklib oci ollama openai openhands or
    paramiko parsimonious plotly polyglot promise prompt_toolkit pushbullet pycld2 pycocotools
    pycomex pydicom pygame pynvml pytest pytorch_lightning pywhispercpp questionary ray rdkit
    rouge_score run_agent rwkv selenium sentence_transformers shortuuid slack_sdk soundfile
    supervision taming tesserocr timm torch_geometric torch_optimizer torch_xla torchinterp1d
    torchio torchmetrics torchtext transform transformer_engine trl umap unmarkd unsloth
    vertexai vllm vosk xformers xgboost zstandard
"""
# Variables that they ask for; a default that follows one is the machine's.
ENVIRONMENT: Final = """
    AI4SCI_DEBUG_API_PROXY_DIR AI4SCI_DOCKER_NETWORK AIPING_API_KEY AIPING_ENDPOINT
    ANTHROPIC_API_KEY ANYBENCH_CACHE_DIR ANYBENCH_LIVE_ID ANYBENCH_NO_CACHE ANYBENCH_STUDIO_PORT
    APPDATA ASIBENCH_CREDENTIALS_DIR ASIBENCH_NO_BROWSER ASIBENCH_SUBMIT_TOKEN AUTOFORGE_ACTOR
    AUTOFORGE_BRAIN AUTOFORGE_HOME AUTOFORGE_INDEX_URL AUTOTRAINER_DISABLE_TRACKING
    AUTOTRAINER_PORT AUTOTRAINER_TIMEOUT AUTO_OPERATOR AUTO_TRAINER AZURE_OPENAI_API_KEY
    AZURE_OPENAI_API_VERSION AZURE_OPENAI_ENDPOINT BENCH_MODEL BENCH_PHASE_NAME BENCH_SPEC_PATH
    BENCH_STRICT_CACHE BENCH_TRACK_CACHE CAPTCHA_BASE_MODEL CAPTCHA_DEBUG CAPTCHA_HOSTED_HOSTS
    CAPTCHA_HUMANIZATION CAPTCHA_KRAKEN_API_KEY CAPTCHA_KRAKEN_AUTOSTART
    CAPTCHA_KRAKEN_STARTUP_TIMEOUT CAPTCHA_KRAKEN_STATE_DIR CAPTCHA_LORA_ADAPTER
    CAPTCHA_LORA_NAME CAPTCHA_LORA_REVISION CAPTCHA_PIXEL_BOX_HALF CAPTCHA_RESAMPLE_LEVEL
    CAPTCHA_TIMINGS CHECKPOINT_VALIDATION_FUNCTION CLAUDE_CONFIG_DIR CLEANER_CLUSTER_MAX_ROWS
    CLEANER_EMBED_MODEL CLEANER_JUDGE_GEVAL CLEANER_JUDGE_MODEL CLEANER_JUDGE_MODEL_GEMINI
    CLEANER_JUDGE_PASS_BUDGET_SECONDS CLEANER_JUDGE_PER_ROW_TIMEOUT_S CLEANER_JUDGE_PROVIDER
    CLEANER_NUMBER_SURVIVAL_MIN CLEANER_POLARITY_JOB_BUDGET_S CLEANER_POLARITY_PASS_BUDGET_S
    CLEANER_POLARITY_PER_PAIR_TIMEOUT_S CLEANER_REWRITE_PASS_BUDGET_SECONDS
    CLEANER_REWRITE_SCORE_FLOOR CLEANER_REWRITE_THRESHOLD CLEANER_SIMPO_PER_PAIR_TIMEOUT_S
    CLEANER_SOFT_SURVIVAL_MIN CLEANER_STOPWORD_CAPS_EXTRA CODEX_HOME COMPOSER_RUN_NAME
    CUDA_VISIBLE_DEVICES DATABRICKS_HOST DATABRICKS_TOKEN DEEPSEEK_API_KEY DISTILL_JUDGE_MODEL
    ENGINE_DEBUG ENV_TYPE FASTCHAT_BASE_URL FSDP_TRANSFORMER_CLS_TO_WRAP FSDP_VERSION
    GEMINI_API_KEY GOESB_API_URL GOOGLE_API_KEY GOOGLE_CLOUD_PROJECT GROQ_API_KEY
    HEROSJOURNEY_API_KEY HEROSJOURNEY_BASE_URL HEROSJOURNEY_CONVERTER_MODEL HEROSJOURNEY_MODEL
    HEROSJOURNEY_TEMPERATURE HF_TOKEN LP_8_BIT_MODE LP_APP_DIR LP_MAX_API_JOBS LP_MODEL_DIR
    MIDGE_MODEL_DEVICE MIDGE_MODEL_PATH MINIWOB_CHROMEDRIVER MINIWOB_CHROME_BINARY
    MISTRAL_API_KEY MLFLOW_PATCHED_FILE_UPLOAD_TIMEOUT MODEL_PARALLEL_SIZE NCCL_SOCKET_IFNAME
    NO_COLOR OAK_DATA_DIR OLLAMA_HOST OPENAI_API_KEY OPENAI_BASE_URL OPENROUTER_API_KEY
    OPENTRACY_MCP_HTTP_ENABLED OPENTRACY_TRIGGER_ENGINE_ENABLED
    OPENTRACY_TRIGGER_ENGINE_INTERVAL_SECONDS OPERATOR_CLUSTER_COOLDOWN_HOURS
    OPERATOR_INTERVAL_SEC OPERATOR_PENDING_LIMIT OPERATOR_UNCLUSTERED_THRESHOLD PANGRAM_API_KEY
    PIP_CACHE_DIR PYTEST_CURRENT_TEST PYTORCH_PRETRAINED_BERT_CACHE RENEST_MANIFEST_SCHEMA
    RENEST_ORIGIN RENEST_PACK_SPEC_SCHEMA RENEST_REGION RENEST_REPORT_URL RENEST_RULES_CDN
    RENEST_RULES_CDN_NEXT RENEST_RULES_DIR RENEST_RULES_MIRROR RUN_NAME SCHEMALINK_CLI
    SCHEMALINK_MODEL SLACK_LOGGING_API_KEY SLACK_LOGGING_CHANNEL_ID SLURM_CPUS_PER_TASK
    SLURM_PROCID TOOLPROOF_EVAL_MODEL TOOLPROOF_EVAL_PROVIDER USERPROFILE UV_CACHE_DIR
    VIRTUAL_ENV VLLM_API_KEY VLLM_BASE_URL VLLM_EXTRA_ARGS VLLM_GPU_MEMORY_UTILIZATION
    VLLM_MAX_MODEL_LEN VLLM_PORT WANA_CACHE_DIR WANA_MODEL WANA_PROVIDER WILDGUARD_ENABLED
    XDG_DATA_HOME
"""
